"""What happened: events in a chain of hashes, artefacts by hash, and where it all ran."""

from dure.journal.history import History, Tally, TrialState, fold
from dure.journal.provenance import code_hash, environment
from dure.journal.store import Event, Journal

__all__ = ["Event", "History", "Journal", "Tally", "TrialState", "code_hash", "environment", "fold"]
