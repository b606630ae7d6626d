"""What every test gets: a marker and a time limit from its path, `needs`, golden files, properties that can be replayed."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).parent
LIMITS = {"fast": 120, "slow": 900, "golden": 900, "docs": 900}
"""Seconds after which a test counts as hung, by folder; generous, because the machine may be shared."""

IN_CI = os.environ.get("CI", "").lower() == "true"

# One thread per process: the suite shares its cores. PyBaMM is asked not to phone home before it is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("PYBAMM_DISABLE_TELEMETRY", "true")
os.environ["DURE_LANG"] = "en"

settings.register_profile("dure", deadline=None, print_blob=True, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("dure")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-golden", action="store_true", help="write what was computed into the golden files")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        if folder not in LIMITS:
            raise pytest.UsageError(f"{item.path}: tests live in {', '.join(f'tests/{name}' for name in LIMITS)}")
        item.add_marker(folder)
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(LIMITS[folder]))


def _missing(part: str) -> str | None:
    """Why ``part`` cannot be used and what puts it there; None when it is there."""
    if part.startswith("data:"):
        home = os.environ.get("DURE_DATA")
        if home and (Path(home) / part.removeprefix("data:")).exists():
            return None
        return f"no {part.removeprefix('data:')} under DURE_DATA={home or ''}: set DURE_DATA to the folder of third-party data"
    if part in {"bwrap", "chromium", "ngspice", "obabel", "yosys", "berkeley-abc"}:
        return None if shutil.which(part) else f"{part} is not installed: make setup-full"
    if part in {"sky130", "gf180"}:
        from dure.domains.chip.pdk import PROCESSES

        need = PROCESSES[part].need
        return None if need.found() else f"the models of {part.upper()} were not fetched: {need.command}"
    if part == "postgres":
        there = any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        return None if there else "PostgreSQL is not installed: make setup-full"
    if part == "oidc-provider":
        there = shutil.which("node") and (TESTS / "slow/provider/node_modules/oidc-provider").exists()
        return None if there else "the provider of OpenID Connect is not there: install Node.js and npm, then make provider"
    if part == "validators":
        there = (TESTS.parent / ".venv-validators/bin/schemathesis").exists()
        return None if there else "the validators' environment is not there: make validators"
    return None if importlib.util.find_spec(part) else f"{part} is not installed: make setup"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test whose parts are missing is skipped and says how to install them; in CI nothing may be missing."""
    for marker in item.iter_markers("needs"):
        for part in marker.args:
            if (reason := _missing(part)) is not None:
                (pytest.fail if IN_CI else pytest.skip)(reason)


Golden = Callable[..., None]


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """``golden("name", actual, source=..., rtol=...)`` compares with ``name.json`` beside the test.

    ``actual`` maps names to numbers or lists of numbers. The file holds the expected values and their source; on failure the
    actual ones are left beside it as ``name.actual.json``. ``make golden`` rewrites; read the difference before committing it.
    """

    def compare(name: str, actual: Mapping[str, float | Sequence[float]], *, source: str, rtol: float, atol: float = 0.0) -> None:
        expected_file = request.path.with_name(f"{name}.json")
        actual_file = request.path.with_name(f"{name}.actual.json")
        text = json.dumps({"source": source, "values": actual}, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        if request.config.getoption("--rewrite-golden"):
            expected_file.write_text(text, encoding="utf-8")
        if not expected_file.exists():
            pytest.fail(f"{expected_file} does not exist: make golden")
        expected = json.loads(expected_file.read_text(encoding="utf-8"))["values"]
        differences = list(_differences(expected, actual, rtol, atol))
        if differences:
            actual_file.write_text(text, encoding="utf-8")
            pytest.fail("\n".join([f"{expected_file.name}, actual left in {actual_file}:", *differences]))
        actual_file.unlink(missing_ok=True)

    return compare


def _differences(
    expected: Mapping[str, float | Sequence[float]], actual: Mapping[str, float | Sequence[float]], rtol: float, atol: float
) -> Sequence[str]:
    """One line for every value that is missing, unexpected or further off than the tolerance."""

    def numbers(values: Mapping[str, float | Sequence[float]]) -> dict[str, float]:
        flat: dict[str, float] = {}
        for key, value in values.items():
            if isinstance(value, (int, float)):
                flat[key] = value
            else:
                flat |= {f"{key}[{i}]": number for i, number in enumerate(value)}
        return flat

    old, new = numbers(expected), numbers(actual)
    return [
        f"  {key}: expected {old.get(key)}, got {new.get(key)}"
        for key in sorted(old.keys() | new.keys())
        if key not in old or key not in new or not math.isclose(old[key], new[key], rel_tol=rtol, abs_tol=atol)
    ]
