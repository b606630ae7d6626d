"""``/api/v1``: nouns, one shape of errors, cursors, entity tags, idempotency keys. Its schema is docs/reference/openapi.json."""
