"""A small problem and a finished campaign on it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DURE = [sys.executable, "-c", "from dure.cli import main; main()"]

BEAM = """
from dure import Problem, at_most, design, minimise, outcome, real

@design
class Beam:
    width: float = real(0.0, 1.0, unit="m")
    height: float = real(0.0, 1.0, unit="m")

@outcome
class Measured:
    mass: float = minimise(unit="kg")
    bend: float = at_most(0.7, unit="mm")

def simulate(beam: Beam) -> Measured:
    return Measured(mass=beam.width + beam.height, bend=1 - beam.width * beam.height)

problem = Problem(
    name="toy/beam", version="1", question="How light can a beam be?", design=Beam, outcome=Measured, simulate=simulate,
    starts=(Beam(width=0.9, height=0.9), Beam(width=0.7, height=0.8)),
)
"""


def run(*arguments: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command of Dure's; it must not fail."""
    import os

    command = [*DURE, *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 3), f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done


def finished(home: Path, **more: str) -> Path:
    """A finished campaign of a few runs in a folder below ``home``."""
    (home / "beam.py").write_text(BEAM, encoding="utf-8")
    run("run", "./beam.py", "--runs", 5, "--strategy", "sobol", "--control", 1, "--out", "campaign", "--quiet", cwd=home, **more)
    return home / "campaign"
