"""Chips: sizing of amplifiers on open processes, and recipes of logic synthesis."""
