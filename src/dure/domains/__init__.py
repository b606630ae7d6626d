"""Problems by field; each domain knows nothing of the others and is found through the registry."""
