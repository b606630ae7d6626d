"""A toy with an arrangement: six places of a core, their power by the kind that stands there and by its neighbours."""

from __future__ import annotations

from dure.problem import Arrangement, Problem, arrangement, at_most, design, maximise, outcome, real

PLACES = ("A1", "A2", "A3", "B1", "B2", "B3")
INVENTORY = {"fresh": 2, "once": 3, "twice": 1}
REACTIVITY = {"fresh": 1.3, "once": 1.0, "twice": 0.7}


@design
class Core:
    loading: Arrangement = arrangement(
        PLACES, INVENTORY, tokens={kind: {"reactivity": value} for kind, value in REACTIVITY.items()}, help="what stands where"
    )
    boron: float = real(0.0, 1000.0)


@outcome
class Measured:
    cycle: float = maximise(help="length of the cycle")
    peak: float = at_most(1.4, help="largest power of a place over the mean")


def simulate(core: Core) -> Measured:
    """Power is a place's reactivity plus half that of its two neighbours on a ring; outer fuel leaks."""
    own = [REACTIVITY[kind] for kind in core.loading]
    power = [own[at] + 0.25 * (own[at - 1] + own[(at + 1) % 6]) for at in range(6)]
    return Measured(
        cycle=sum(value * (1.0 - 0.1 * at) for at, value in enumerate(own)) - core.boron / 1e4, peak=6 * max(power) / sum(power)
    )


problem = Problem(
    name="toy/core",
    version="1",
    question="How long can the cycle be?",
    design=Core,
    outcome=Measured,
    simulate=simulate,
    starts=(Core(loading=("once", "fresh", "once", "twice", "fresh", "once"), boron=0),),
    runs=15,
    control_runs=4,
)
