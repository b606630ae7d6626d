"""Where the answer comes from: code, machines, versions; how to get it again, and what to cite."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dure.campaign.plan import REPLICATES
from dure.i18n import _
from dure.problem import citation_text
from dure.report.dossier import Dossier
from dure.strategy import BY_BUDGET

__all__ = ["BY_BUDGET", "Environment", "citations", "codes", "command", "environments", "given", "own_citation"]

_METHODS = ("Balandat2020", "Ament2023", "Letham2019")
_STRATEGY_CITES = {
    "auto": _METHODS,
    "structured": _METHODS,
    "blackbox": _METHODS,
    "generated": (*_METHODS, "Eriksson2019", "Ralaivola2005", "Tripp2023"),
    "cma-es": ("Hansen2001", "Auger2005", "Atamna2017"),
    "nsga-ii": ("Deb2002", "Blank2020"),
    "sobol": ("Sobol1967",),
}


@dataclass(frozen=True)
class Environment:
    """A machine and the packages on it, as an attempt recorded them."""

    hash: str
    host: str
    platform: str
    python: str
    cpu: str
    lock: str
    versions: Mapping[str, str]


def environments(dossier: Dossier) -> list[Environment]:
    """Where answers came from, in order of first use."""
    return [_environment(event.payload) for event in dossier.of_kind("environment")]


def _environment(payload: Any) -> Environment:
    found = payload["environment"]
    versions = {name: version for name, version in found["versions"].items() if version}
    return Environment(
        payload["hash"], found["host"], found["platform"], found["python"], found["cpu"] or "", found["lock"], versions
    )


def codes(dossier: Dossier) -> list[str]:
    """Hashes of the simulator code that answered, the plan's first."""
    told: list[Any] = [event.payload.get("code") for event in dossier.of_kind("told")]
    return list(dict.fromkeys(code for code in (dossier.plan["code"], *told) if code))


def given(dossier: Dossier) -> list[tuple[str, str]]:
    """Tables of past data: name and hash."""
    payloads: list[Any] = [event.payload for event in dossier.of_kind("given")]
    return [(payload["source"], payload["sha256"]) for payload in payloads]


def command(dossier: Dossier) -> str:
    """The command that asks the same question again, with everything that differs from the defaults."""
    plan = dossier.plan
    words = ["dure", "run", plan["reference"]]
    for name, value in plan["setting"].items():
        if value != plan["problem"]["setting"][name]["default"]:
            words += ["--setting", f"{name}={_plain(value)}"]
    for name, goal in plan["goals"].items():
        declared = plan["problem"]["outcome"][name]
        limits = [goal[side] for side in ("low", "high") if goal[side] is not None]
        if limits != [declared[side] for side in ("low", "high") if declared[side] is not None]:
            words += ["--limit", f"{name}={':'.join(_plain(limit) for limit in limits)}"]
    runs, seconds = plan["budget"]["runs"], plan["budget"]["cpu_seconds"]
    words += ["--runs", _plain(runs)] if runs is not None else ["--cost", _plain(seconds)]
    words += ["--seed", _plain(plan["seed"]), "--strategy", plan["strategy"], "--prior", plan["prior"]]
    words += ["--control", _plain(plan["control_runs"])]
    repeats = plan.get("replication", {"replicates": REPLICATES})["replicates"]
    words += ["--replicates", _plain(repeats)] if repeats != REPLICATES else []
    level = plan["stopping"].get("certificate")
    words += ["--certificate", _plain(level)] if level else []
    for source, _hash in given(dossier):
        words += ["--data", source]
    return shlex.join(words)


def _plain(value: Any) -> str:
    return f"{value:.15g}" if isinstance(value, (int, float)) else str(value)


def citations(dossier: Dossier) -> list[str]:
    """The problem's references and those of the methods that were used."""
    strategy = dossier.plan["strategy"]
    keys = [*dossier.plan["problem"]["cites"], *_STRATEGY_CITES.get(strategy, ())]
    if strategy in ("auto", "structured") and len(dossier.plan["problem"]["fidelities"]) > 1:
        keys.append("Kennedy2000")
    if dossier.claims["prospect"].value is not None:
        keys.append("Wilson2024")
    return [citation_text(key) for key in dict.fromkeys(keys)]


def own_citation(dossier: Dossier) -> str:
    """How to cite this report."""
    payloads: list[Any] = [event.payload for event in dossier.of_kind("environment")]
    made = dict.fromkeys(str(payload["environment"]["dure"]) for payload in payloads)
    question = dossier.plan["problem"]["question"]
    return _("{question} Campaign with Dure {version}, {date}; plan {plan}, journal {head}.").format(
        question=_(question),
        version=", ".join(made) or "–",
        date=dossier.events[-1].time[:10],
        plan=dossier.plan["hash"][:16],
        head=dossier.head[:16],
    )
