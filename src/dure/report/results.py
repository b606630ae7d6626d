"""The winner as files: for machines as JSON, and in the field's own formats as the problem exports them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dure.i18n import _
from dure.report.complexes import files_of
from dure.report.dossier import Dossier

__all__ = ["NAME", "Results", "claims_file", "results"]

NAME = re.compile(r"[\w-][\w.-]*")


@dataclass(frozen=True)
class Results:
    """Files by name within ``results/``; ``fault`` says why the problem's own ones are missing."""

    files: Mapping[str, bytes]
    fault: str = ""


def _encoded(value: Any) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def claims_file(dossier: Dossier) -> bytes:
    """All claims, with the plan and the event they follow from."""
    claims = [claim.plain() for claim in dossier.claims.values()]
    return _encoded({"format": 1, "plan": dossier.plan["hash"], "head": dossier.head, "claims": claims})


def results(dossier: Dossier) -> Results:
    """The winner's files; none while there is no winner."""
    if "winner" not in dossier.roles:
        return Results({})
    files = {"winner.json": _encoded(_winner(dossier)), **files_of(dossier)}
    try:
        exported = _exported(dossier)
    except Exception as error:  # the problem's author wrote it; the report must not be lost over it
        return Results(files, f"{type(error).__name__}: {error}")
    return Results(files | exported)


def _winner(dossier: Dossier) -> dict[str, Any]:
    claims, plan, state = dossier.claims, dossier.plan, dossier.roles["winner"]

    def valued(claim: str, **more: Any) -> dict[str, Any]:
        return {"value": claims[claim].value, "unit": claims[claim].unit} | more

    goals = {}
    for name, goal in dossier.task.goals.items():
        goals[name] = valued(f"winner.goal.{name}", sense=goal.measure.sense)
        if (half := claims.get(f"winner.half.{name}")) is not None:
            goals[name]["half"] = half.value
        if not goal.is_objective:
            goals[name] |= {side: claims[f"limit.{name}.{side}"].value for side in ("low", "high")}
            goals[name]["margin"] = valued(f"winner.margin.{name}")
    return {
        "problem": plan["problem"]["name"],
        "version": plan["problem"]["version"],
        "plan": plan["hash"],
        "trial": state.key,
        "verdict": claims["verdict"].value,
        "fidelity": state.fidelity,
        "design": {name: valued(f"winner.input.{name}") for name in dossier.task.problem.inputs},
        "goals": goals,
        "setting": {name: valued(f"setting.{name}") for name in dossier.task.problem.inputs_of_setting},
    }


def _exported(dossier: Dossier) -> dict[str, bytes]:
    problem, state = dossier.task.problem, dossier.roles["winner"]
    if problem.export is None:
        return {}
    design, outcome = problem.make_design(state.trial["design"]), problem.make_outcome(dossier.measured("winner"))
    files = problem.export(design, dossier.task.setting, outcome)
    for name in files:
        if not NAME.fullmatch(name) or name == "winner.json":
            raise ValueError(_("{name!r} cannot be the name of a result: use letters, digits and _.-").format(name=name))
    return {name: text.encode() for name, text in sorted(files.items())}
