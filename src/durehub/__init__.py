"""The hub: shares records between people and institutions without leaking. It imports the library, never the reverse."""
