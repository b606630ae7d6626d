"""Records on the hub: versions, files by hash, search, and the life of access: grants, requests, decisions."""
