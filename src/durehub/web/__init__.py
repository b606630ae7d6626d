"""Pages for people: search, a record, signing in, requests and decisions. Plain forms, with htmx where it saves a page."""
