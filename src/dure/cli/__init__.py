"""The command line: reads arguments, calls one room, words the answer, sets the exit code."""

from dure.cli.face import main

__all__ = ["main"]
