"""The hub with very many records, and its transfers: `python -m benchmarks.hub`."""
