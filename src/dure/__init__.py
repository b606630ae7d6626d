"""Dure: an open platform for AI-driven science. What an author of a problem needs, in one import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dure.campaign import Loop
    from dure.errors import SimulationFailed
    from dure.problem import (
        Answer,
        Arrangement,
        Axis,
        Check,
        Complex,
        Curve,
        Fan,
        Fidelity,
        Map,
        Need,
        Noise,
        Parts,
        Problem,
        Sheet,
        Tokens,
        arrangement,
        at_least,
        at_most,
        choice,
        design,
        integer,
        json_file,
        max_over,
        maximise,
        min_over,
        minimise,
        molecule,
        ordered,
        outcome,
        program,
        real,
        reported,
        rule,
        sequence,
        setting,
        sum_over,
        text_values,
        weighted_over,
        within,
    )

__all__ = [
    "Answer",
    "Arrangement",
    "Axis",
    "Check",
    "Complex",
    "Curve",
    "Fan",
    "Fidelity",
    "Loop",
    "Map",
    "Need",
    "Noise",
    "Parts",
    "Problem",
    "Sheet",
    "SimulationFailed",
    "Tokens",
    "arrangement",
    "at_least",
    "at_most",
    "choice",
    "design",
    "integer",
    "json_file",
    "max_over",
    "maximise",
    "min_over",
    "minimise",
    "molecule",
    "ordered",
    "outcome",
    "program",
    "real",
    "reported",
    "rule",
    "sequence",
    "setting",
    "sum_over",
    "text_values",
    "weighted_over",
    "within",
]


def __getattr__(name: str) -> Any:
    """Load the language of problems at first use, so that ``dure --help`` stays quick."""
    if name not in __all__:
        raise AttributeError(f"module 'dure' has no attribute {name!r}")
    if name == "Loop":
        from dure.campaign import Loop

        return Loop
    if name == "SimulationFailed":
        from dure.errors import SimulationFailed

        return SimulationFailed
    from dure import problem

    return getattr(problem, name)
