"""Reactor cores: how the fuel is arranged, and what happens when a rod is ejected. Public benchmark physics, not licensing."""
