"""No leaks: 100,000 cases of (caller, record, surface) against the rules' text, and wrong policies that must be caught."""

from __future__ import annotations

import types
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.fast import hub_home
from tests.fast.access_surfaces import check_everything, filtered
from tests.fast.access_world import ACTIONS, NOW, draw, stage

pytestmark = pytest.mark.needs("django", "ninja")

WORLDS = 7
CASES = 100_000


@pytest.fixture
def hub() -> Iterator[None]:
    hub_home.ready()
    with hub_home.undone():
        yield


def test_a_hundred_thousand_cases_agree_with_the_rules_text():
    hub_home.ready()
    cases = 0
    for seed in range(WORLDS):
        with hub_home.undone():
            cases += check_everything(stage(draw(100 + seed, people=9, things=50)))
    print(f"{cases:,} cases, no leak")
    assert cases >= CASES


# Each is a small mistake in src/durehub/policy/rules.py that somebody could make: the text there, and what would stand instead.
MISTAKES = {
    "a token may do more than it says": ("if action > actor.most:", "if False:"),
    "a token may do only less than it says": ("if action > actor.most:", "if action >= actor.most:"),
    "a token's project is ignored": ("if actor.project is not None else allowed", "if False else allowed"),
    "a token's project opens": ("allowed & Q(project=actor.project)", "allowed | Q(project=actor.project)"),
    "suspension is ignored": (
        "account, moment = actor.active, timezone.now()",
        "account, moment = actor.account, timezone.now()",
    ),
    "inputs are ignored": (" & _by_inputs(account, action, moment)", ""),
    "inputs open": ("& _by_inputs(account, action, moment)", "| _by_inputs(account, action, moment)"),
    "the owner is nobody": ("allowed |= Q(owner=account)", "pass"),
    "the owner needs inputs": (
        "allowed |= Q(owner=account)",
        "allowed |= Q(owner=account) & _by_inputs(account, action, moment)",
    ),
    "everybody signed in is the owner": ("allowed |= Q(owner=account)", "allowed |= Q(owner__isnull=False)"),
    "visitors see what is registered": (
        "return where(**{level: Level.OPEN})",
        'return where(**{f"{level}__lte": Level.REGISTERED})',
    ),
    "visitors see nothing": ("return where(**{level: Level.OPEN})", "return NOTHING"),
    "accounts see any consortium": ('{f"{level}__lte": Level.REGISTERED}', '{f"{level}__lte": Level.CONSORTIUM}'),
    "accounts see open only": ('{f"{level}__lte": Level.REGISTERED}', '{f"{level}__lte": Level.OPEN}'),
    "members see private": ("{level: Level.CONSORTIUM,", '{f"{level}__gte": Level.CONSORTIUM,'),
    "readers are no members": (
        'where(**{level: Level.CONSORTIUM, "project__in": list(roles)})',
        'where(**{level: Level.CONSORTIUM, "project__in": [one for one, role in roles.items() if role > Role.READER]})',
    ),
    "embargoes are ignored": ("free = where(embargo=None) | where(embargo__lte=now)", "free = ~NOTHING"),
    "an embargo never ends": ("free = where(embargo=None) | where(embargo__lte=now)", "free = where(embargo=None)"),
    "an embargo ends a moment late": ("where(embargo__lte=now)", "where(embargo__lt=now)"),
    "an embargo is turned round": ("where(embargo__lte=now)", "where(embargo__gte=now)"),
    "metadata is always shown": ("where(metadata_open=True)", "where(metadata_open__in=[True, False])"),
    "open metadata stays hidden": ("(free | where(metadata_open=True))", "free"),
    "files are as open as their description": ('& reached("level") & reached("files_level")', '& reached("level")'),
    "files wider than their description": ('& reached("level") & reached("files_level")', '& reached("files_level")'),
    "open metadata opens files": (
        'by_level = free & reached("level")',
        'by_level = (free | where(metadata_open=True)) & reached("level")',
    ),
    "contributors manage": ("Role.MANAGER if action == Action.MANAGE else Role.CONTRIBUTOR", "Role.CONTRIBUTOR"),
    "readers write": (
        "Role.MANAGER if action == Action.MANAGE else Role.CONTRIBUTOR",
        "Role.MANAGER if action == Action.MANAGE else Role.READER",
    ),
    "a role reaches private records": ("level__lt=Level.PRIVATE, project__in=able", "project__in=able"),
    "a role reaches under an embargo": ("by_role = free & where(", "by_role = where("),
    "a grant has no end": ("ends__gt=now)", "ends__isnull=False)"),
    "a grant lasts a moment longer": ("ends__gt=now)", "ends__gte=now)"),
    "a grant gives every action": ("action__gte=action, ", ""),
    "a grant gives only its own action": ("action__gte=action", "action=action"),
    "a grant holds for every record": ('record=OuterRef(f"{at}pk"), ', ""),
    "a project's grant is for its record": ('OuterRef(f"{at}pk")', 'OuterRef("pk")'),
    "an organisation's grant is lost": ("subject |= Q(organisation=account.organisation_id)", "pass"),
    "grants of projects are lost": ("Q(account=account) | Q(project__in=list(roles))", "Q(account=account)"),
    "grants are ignored": (" | _any(grants)  # 5", ""),
    "inputs need only be seen": ("Action.SEE if action == Action.SEE else Action.READ", "Action.SEE"),
    "an input's owner is barred": ("usable |= Q(source__owner=account)", "pass"),
    "an agreement is ignored": (", agreed=False)", ")"),
    "an agreement is turned round": (", agreed=False)", ", agreed=True)"),
    "one usable input is enough": (
        "return ~_any(counting.alias(barred=barred).filter(barred=True))",
        "return ~_any(counting) | _any(counting.alias(barred=barred).filter(barred=False))",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_policy_is_caught(hub: None, mistake: str):
    from durehub.policy import rules

    was, would_be = MISTAKES[mistake]
    text = Path(str(rules.__file__)).read_text("utf-8")
    assert was in text, "the policy no longer reads so; restate the mistake"
    wrong = types.ModuleType("wrong_rules")
    exec(compile(text.replace(was, would_be), mistake, "exec"), wrong.__dict__)
    with patch("django.utils.timezone.now", lambda: NOW):
        for seed in range(8):
            with hub_home.undone():
                made = stage(draw(seed, people=9, things=30))
                if any(found != expected for action in ACTIONS for _about, found, expected in filtered(made, action, wrong)):
                    return
    pytest.fail("no case tells this policy from the right one")
