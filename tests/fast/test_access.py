"""Every surface of the hub against the judgement written from the rules' text, in small; tests/slow has the large one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fast import hub_home
from tests.fast.access_surfaces import check_everything
from tests.fast.access_world import draw, stage

pytestmark = pytest.mark.needs("django", "ninja")


@pytest.fixture
def hub() -> Iterator[None]:
    hub_home.ready()
    with hub_home.undone():
        yield


def test_every_surface_shows_what_the_rules_text_says(hub: None):
    assert check_everything(stage(draw(1, people=2, things=6))) > 300
