"""The short list of a search among molecules: structures with what was measured and expected, and what they are most like."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from markupsafe import Markup, escape

from dure.campaign import ranked
from dure.errors import MissingPart, ProblemError
from dure.i18n import _
from dure.journal import TrialState
from dure.problem import Molecule, Problem, fingerprints, tanimoto
from dure.problem.smiles import rdkit_quiet
from dure.report.dossier import Dossier
from dure.report.figures import Drawn, axis_text, fan_panel, goal_name
from dure.report.style import COLOURS

__all__ = ["overview", "structures"]

_SHOWN = 8
_WIDE, _HIGH, _LINE = 260, 190, 17


def structures(dossier: Dossier) -> list[Drawn]:
    """The best molecules answered at the top rung, the best first: as many as are wanted, or eight; none without molecules."""
    name = next((name for name, spec in dossier.task.problem.inputs.items() if isinstance(spec, Molecule)), None)
    if name is None or find_spec("rdkit") is None:
        return []
    wanted = dossier.task.problem.short_list
    best, told = _allowed(dossier)[: wanted if wanted > 1 else _SHOWN], _told(dossier)
    drawn = []
    for number, state in enumerate(best, start=1):
        smiles, lines = str(state.trial["design"][name]), _expected(dossier, state)
        if before := [one for one in told if (one.answered or 0) < (state.answered or 0) and one.key != state.key]:
            known = list(dict.fromkeys(str(one.trial["design"][name]) for one in before))
            alike = tanimoto(fingerprints([smiles]), fingerprints(known))[0]
            lines.append(_("most alike before: {alike:.2f}").format(alike=float(alike.max())))
        drawn.append(Drawn(_("No. {number}").format(number=number), _drawn(smiles, lines)))
    return drawn


def _allowed(dossier: Dossier) -> list[TrialState]:
    """What was answered, best first, less what a rule forbids by now: a list of what is denied may have grown."""
    problem = dossier.task.problem
    return [one for one in ranked(dossier.history, dossier.task) if _keeps(problem, problem.make_design(one.trial["design"]))]


def _keeps(problem: Problem, design: Any) -> bool:
    """A rule that needs a part which is not here was kept when the design was asked for."""
    try:
        return problem.broken_rule(design) is None
    except ProblemError as error:
        if isinstance(error.__cause__, MissingPart):
            return True
        raise


def overview(dossier: Dossier) -> list[Drawn]:
    """What the problem's author shows of all answers together, in the order in which they came."""
    problem = dossier.task.problem
    if problem.overview is None:
        return []
    designs = [problem.make_design(one.trial["design"]) for one in _told(dossier)]
    fans = problem.overview(designs, dossier.task.setting) if designs else ()
    return [fan_panel(f"overview-{number}", fan) for number, fan in enumerate(fans, start=1)]


def _told(dossier: Dossier) -> list[TrialState]:
    """Answered trials of the top rung, controls apart, in the order of their answers."""
    history, top = dossier.history, dossier.task.problem.top.name
    states = [one for one in history.trials.values() if one.outcome is not None and one.fidelity == top]
    kept = [one for one in states if dossier.task.asks(one.trial) and not history.is_control(one)]
    return sorted(kept, key=lambda one: one.answered or 0)


def _expected(dossier: Dossier, state: TrialState) -> list[str]:
    """Each objective as it was measured and, where it was forecast, the 90 % interval before."""
    lines, values = [], dossier.task.goal_values(state.outcome or {})
    for goal in dossier.task.objectives:
        lines.append(f"{axis_text(goal_name(goal).partition(';')[0].partition(',')[0], goal.unit)}: {values[goal.name]:.2f}")
        if goal.name in state.predicted:
            _middle, low, high = state.predicted[goal.name]
            lines.append(_("expected before: {low:.2f} to {high:.2f}").format(low=low, high=high))
    return lines


def _drawn(smiles: str, lines: Sequence[str]) -> Markup:
    with rdkit_quiet():
        from rdkit import Chem
        from rdkit.Chem.Draw.rdMolDraw2D import MolDraw2DSVG

        canvas: Any = MolDraw2DSVG(_WIDE, _HIGH)
        canvas.drawOptions().useBWAtomPalette()
        canvas.drawOptions().clearBackground = False
        canvas.drawOptions().fixedBondLength = 28
        canvas.DrawMolecule(Chem.MolFromSmiles(smiles))
        canvas.FinishDrawing()
        text = str(canvas.GetDrawingText())
    body = re.sub(r"<!--.*?-->", "", text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")], flags=re.DOTALL)
    body = re.sub(r"\s* class='[^']*'", "", body).replace("#000000", "var(--ink)").strip()
    rows = "".join(
        f'<text x="4" y="{_HIGH + _LINE * (number + 1)}" font-size="12" fill="{COLOURS["soft"]}">{escape(line)}</text>'
        for number, line in enumerate(lines)
    )
    for colour, code in COLOURS.items():
        rows = rows.replace(code, f"var(--{colour})")
    box = f"0 0 {_WIDE} {_HIGH + _LINE * (len(lines) + 1)}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" role="img"><title>{escape(smiles)}</title>'
    return Markup(f"{head}{body}{rows}</svg>")
