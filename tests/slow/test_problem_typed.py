"""What an author misspells, the type checker reports before anything runs; what is right it accepts without a word."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

RIGHT = """
from dure import (
    Answer, Arrangement, Axis, Check, Curve, Fidelity, Parts, Problem, arrangement, at_least, at_most, choice, design, integer,
    max_over, min_over, minimise, ordered, outcome, real, reported, rule, setting, sum_over, within,
)

CASE = Axis("case", ("wind", "snow"))


@design
class Beam:
    width: float = real(10, 100, unit="mm")
    holes: int = integer(0, 5, default=0)
    metal: str = choice("steel", "copper")
    sheet: float = ordered(0.5, 1.0, 2.0, unit="mm")

    @property
    def area(self) -> float:
        return self.width * self.sheet


@design
class Core:
    loading: Arrangement = arrangement(("A1", "A2"), {"fresh": 1, "once": 1}, tokens={"fresh": {"u": 4}, "once": {"u": 3}})


CORE = Core(loading=("once", "fresh"))


@setting
class Site:
    load: float = real(0.5, 2.0, unit="kN", default=1.0)
    soil: str = choice("rock", "sand", default="rock")


@outcome
class Measured:
    mass: Parts = minimise(sum_over(CASE), unit="kg", positive=True)
    bend: Parts = at_most(5.0, max_over(CASE), unit="mm")
    grip: Parts = at_least(0.0, min_over(CASE))
    tilt: float = within(-1.0, 1.0, unit="deg")
    price: float = reported()
    sound: float | None = reported(unit="dB", default=None)
    trace: Parts | None = reported(CASE, unit="mV", default=None)


@rule
def wide(beam: Beam) -> float:
    return beam.width - 2 * beam.sheet


def simulate(beam: Beam, site: Site, *, fidelity: str, seed: int) -> Answer:
    load = site.load if site.soil == "rock" else 2 * site.load
    measured = Measured(mass=(beam.area, 1.0), bend=(load, load), grip=(1.0, 1.0), tilt=0.0, price=2.0, sound=3.0)
    return Answer(measured, [Curve("sag", "place", "mm", "sag", "mm", (0.0, 1.0), measured.bend)])


def theory(beam: Beam, site: Site) -> Measured:
    return Measured(mass=(beam.area, 1.0), bend=(site.load, 1.0), grip=(0.5, 0.5), tilt=0.0, price=1.0)


START = Beam(width=50, metal="steel", sheet=1.0)
sound: float | None = theory(START, Site()).sound
problem = Problem(
    name="toy/beam", version="1", question="How light?", design=Beam, setting=Site, outcome=Measured, simulate=simulate,
    theory=theory, rules=(wide,), starts=(START,), fidelities=(Fidelity("coarse", 0.1), Fidelity("fine")),
    checks=(Check("heavier", shift={"load": 0.1}, required=True),), limits={"stiff": {"bend": 1.0, "tilt": (-0.5, 0.5)}},
)
"""

WRONG = [
    ("misspelt input read", "return beam.width - 2", "return beam.widht - 2", '"Beam" has no attribute "widht"'),
    ("misspelt setting read", "site.load if", "site.laod if", '"Site" has no attribute "laod"'),
    ("misspelt outcome read", "measured.bend)", "measured.bned)", '"Measured" has no attribute "bned"'),
    ("misspelt input given", "Beam(width=50,", "Beam(widht=50,", 'Unexpected keyword argument "widht"'),
    ("misspelt outcome given", "tilt=0.0, price=2.0, sound", "tlit=0.0, price=2.0, sound", 'Unexpected keyword argument "tlit"'),
    ("misspelt arrangement given", "Core(loading=", "Core(laoding=", 'Unexpected keyword argument "laoding"'),
    (
        "text for an arrangement",
        '("once", "fresh"))',
        '"once;fresh")',
        'Argument "loading" to "Core" has incompatible type "str"',
    ),
    ("input left out", 'metal="steel", ', "", 'Missing named argument "metal"'),
    ("outcome left out", "grip=(1.0, 1.0), ", "", 'Missing named argument "grip"'),
    ("text for a number", "Beam(width=50", 'Beam(width="50"', 'Argument "width" to "Beam" has incompatible type "str"'),
    ("one number for parts", "bend=(load, load)", "bend=load", 'Argument "bend" to "Measured" has incompatible type "float"'),
    ("a frozen value changed", "START = Beam", "Site().load = 2.0\nSTART = Beam", "read-only"),
    ("a value that may be missing", "sound: float | None = theory", "sound: float = theory", "Incompatible types in assignment"),
    ("places instead of names", "Beam(width=50,", "Beam(50,", "Too many positional arguments"),
    ("misspelt part of the problem", "rules=(wide,)", "ruels=(wide,)", 'Unexpected keyword argument "ruels"'),
    ("an axis for a reduction", "max_over(CASE)", "CASE", 'incompatible type "Axis"'),
]


def mypy(folder: Path) -> str:
    """What mypy --strict says of the files in ``folder``; the library's own cache makes it quick."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", str(ROOT / ".mypy_cache/authors"), "."]
    done = subprocess.run(
        command, cwd=folder, env=os.environ | {"MYPYPATH": str(ROOT / "src")}, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """All wrong files in one run, one function of the module each would be slower by far."""
    folder = tmp_path_factory.mktemp("authors")
    (folder / "right.py").write_text(RIGHT, encoding="utf-8")
    for number, (_name, old, new, _says) in enumerate(WRONG):
        assert RIGHT.count(old) >= 1
        (folder / f"wrong{number}.py").write_text(RIGHT.replace(old, new, 1), encoding="utf-8")
    found: dict[str, str] = {}
    for line in mypy(folder).splitlines():
        found[line.partition(":")[0]] = found.get(line.partition(":")[0], "") + line + "\n"
    return found


def test_the_right_file_is_accepted_without_complaint(said: dict[str, str]):
    assert "right.py" not in said, said


@pytest.mark.parametrize("number", range(len(WRONG)), ids=[name for name, *_rest in WRONG])
def test_a_wrong_file_is_reported_at_its_line(said: dict[str, str], number: int):
    _name, old, new, says = WRONG[number]
    text = RIGHT.replace(old, new, 1)
    line = RIGHT[: RIGHT.index(old)].count("\n") + 1
    told = said[f"wrong{number}.py"]
    near = [int(match) for match in re.findall(r"^wrong\d+\.py:(\d+): error:", told, re.MULTILINE)]
    assert text != RIGHT
    assert says in told
    assert any(abs(at - line) <= 3 for at in near), told  # a call over several lines is reported at its first
    assert len(set(near)) == 1, told
