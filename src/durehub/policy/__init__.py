"""Who may do what with which record: the rules of docs/explain/access.md as one query filter, and the log of how it was used."""
