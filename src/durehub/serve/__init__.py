"""The hub as a running program: its settings, its addresses, starting it, and what its operator does from a shell."""
