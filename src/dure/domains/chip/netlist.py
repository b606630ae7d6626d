"""chip/netlist: which values make a circuit of one's own keep its specs? Any SPICE file, with a TOML file beside it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from dure.domains.chip.flatten import cards
from dure.domains.chip.ngspice import BUBBLEWRAP, NGSPICE, run_foreign
from dure.domains.chip.pdk import KINDS, SKY130
from dure.domains.chip.stated import OWN_NETLISTS, Stated, netlist_file, read_netlist, with_values
from dure.i18n import N_
from dure.problem import (
    Answer,
    Fidelity,
    Problem,
    Sheet,
    at_least,
    at_most,
    choice,
    design,
    integer,
    maximise,
    minimise,
    outcome,
    real,
    reported,
    setting,
    values_of,
)

__all__ = ["Circuit", "problem"]

_LARGER_IS_WORSE = ("minimise", "at_most")


@setting
class Circuit:
    """Which netlist."""

    netlist: str = choice(
        *OWN_NETLISTS,
        others=netlist_file,
        default="filter",
        help=N_("one of the package, or the TOML file beside one of your own"),
    )


@cache
def _design(named: str) -> type:
    stated, made = read_netlist(named), {}
    for name, one in stated.parameters.items():
        if one.integer:
            made[name] = integer(int(one.low), int(one.high), unit=one.unit, help=one.help)
        else:
            made[name] = real(one.low, one.high, unit=one.unit, log=one.log, grid=one.grid, help=one.help)
    types = {name: int if one.integer else float for name, one in stated.parameters.items()}
    body = {"__doc__": "Parameters of a netlist.", "__annotations__": types}
    return design(type("Values", (), body | made))


@cache
def _outcome(named: str) -> type:
    limited: Mapping[str, Any] = {"at_least": at_least, "at_most": at_most}
    free: Mapping[str, Any] = {"minimise": minimise, "maximise": maximise, "reported": reported}
    made = {}
    for name, one in read_netlist(named).measures.items():
        if one.limit is None:
            made[name] = free[one.goal](unit=one.unit, help=one.help)
        else:
            made[name] = limited[one.goal](float(one.limit), unit=one.unit, help=one.help)
    body = {"__doc__": "Measures of a netlist.", "__annotations__": dict.fromkeys(made, float)}
    return outcome(type("Printed", (), body | made))


def members(circuit: Circuit) -> dict[str, Any]:
    """What a netlist's file states: inputs, measures, the netlist's own values as the start, and the budget."""
    stated, made = read_netlist(circuit.netlist), _design(circuit.netlist)
    start = made(**{name: int(one.start) if one.integer else one.start for name, one in stated.parameters.items()})
    return {
        "question": stated.question,
        "design": made,
        "outcome": _outcome(circuit.netlist),
        "starts": (start,),
        "runs": stated.runs,
        "timeout": 10.0 + 2 * stated.timeout * len(stated.points),
    }


def text_of(stated: Stated, values: Mapping[str, float]) -> str:
    """The netlist with a design's values in place of its own."""
    return with_values(stated.netlist, {name: values[name] * one.factor for name, one in stated.parameters.items()})


def models_of(corner: str) -> dict[str, str]:
    """All model cards of SKY130 at a corner, as the file that a netlist includes; nothing where no corner was stated."""
    if not corner:
        return {}
    return {"sky130.sp": "\n".join(card.text for kind in KINDS for card in cards(SKY130, kind, corner)) + "\n"}


def simulate(values: Any, circuit: Circuit) -> Answer:
    """The netlist at every point behind walls, the worst of each measure."""
    stated = read_netlist(circuit.netlist)
    text = text_of(stated, values_of(values))
    rows: list[dict[str, float]] = []
    for point in stated.points.values():
        files = {**stated.files, **models_of(point.corner)}
        found = run_foreign(with_values(text, point.parameters), files, list(stated.measures), timeout=stated.timeout)
        rows.append({name: found[name] / one.factor for name, one in stated.measures.items()})
    worst = {
        name: (max if one.goal in _LARGER_IS_WORSE else min)(row[name] for row in rows) for name, one in stated.measures.items()
    }
    if len(rows) == 1:
        return Answer(_outcome(circuit.netlist)(**worst))
    lines: tuple[tuple[str | float, ...], ...] = tuple(
        (name, *row.values()) for name, row in zip(stated.points, rows, strict=True)
    )
    return Answer(_outcome(circuit.netlist)(**worst), (Sheet(N_("Every measure at every point"), (N_("point"), *worst), lines),))


def export(values: Any, circuit: Circuit, _measured: Any) -> Mapping[str, str]:
    """The netlist with the winner's values, and what it includes."""
    stated = read_netlist(circuit.netlist)
    return {"winner.sp": text_of(stated, values_of(values)), **stated.files, **models_of(stated.points["stated"].corner)}


problem = Problem(
    name="chip/netlist",
    version="1",
    question=N_("Which values make this circuit keep its specs?"),
    design=_design("filter"),
    setting=Circuit,
    outcome=_outcome("filter"),
    simulate=simulate,
    members=members,
    needs=(NGSPICE, BUBBLEWRAP),
    fidelities=(
        Fidelity("points", help=N_("the netlist as it is, and every other point its file states; the worst of each measure")),
    ),
    runs=40,
    timeout=600.0,
    cites=("Ngspice2023",),
    hazards=(N_("What a netlist leaves out is not looked at, and its models are taken as they are."),),
    export=export,
)
