"""What the benchmark of drug discovery computes itself: areas, and the published searches' best values."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import numpy as np
import pytest

from benchmarks.bio.designs import BUDGET, designed
from benchmarks.bio.docks import courses
from benchmarks.bio.enrichment import area, at_random, half
from benchmarks.bio.plain_peer import chosen

TABLE = {  # facts on the published files, computed once by hand of another script: after 1, 100, 1,000 and 5,000 calls
    "published F2, random_zinc": (5.68, 7.39, 8.31, 8.62),
    "published F2, graph_ga": (2.40, 8.58, 9.26, 10.33),
    "published F2, bo_gp_exact_ei": (6.16, 8.77, 9.94, 10.78),
    "published PPAR, bo_gp_exact": (2.61, 8.91, 9.84, 11.13),
    "published JAK2, graph_ga": (2.70, 8.57, 9.33, 9.56),
    # 9.52 as recorded; the best call of one trial rests on a failed dock into LCK, and does not count
    "published JAK2, selfies_ga": (-5.26, 8.76, 9.26, 9.48),
}


@pytest.mark.needs("data:bio", "pyarrow", "pandas")
def test_the_published_searches_reach_what_the_sheet_says():
    found = {row["task"]: row["after"] for row in courses(Path(os.environ["DURE_DATA"]))}
    assert len(found) == 15
    for name, values in TABLE.items():
        assert [found[name][calls] for calls in ("1", "100", "1000", "5000")] == pytest.approx(values, abs=0.006), name


def test_the_area_under_an_enrichment_curve():
    values = np.arange(200.0)  # the best hundredth are two: 198 and 199
    assert area(values, [199, 198, 0, 1]) == pytest.approx((0.5 + 1 + 1 + 1) / 4)
    assert area(values, [0, 1, 2, 199]) == pytest.approx(0.5 / 4)
    drawn = [area(values, np.random.default_rng(seed).permutation(200)[:40].tolist()) for seed in range(2_000)]
    assert np.mean(drawn) == pytest.approx(at_random(values, 40), rel=0.1)


def test_the_plain_peer_asks_beside_what_it_knows_to_be_good():
    places = np.linspace(0.0, 1.0, 40)
    alike = np.exp(-((places[:, None] - places) ** 2) / 0.02)
    values = np.exp(-((places - 0.7) ** 2) / 0.02)
    known = [0, 5, 10, 15, 20, 25, 32, 38]
    found = chosen(alike, values, known, 3, 0)
    assert len({*found} - {*known}) == 3
    assert min(abs(places[one] - 0.7) for one in found) < 0.06


def test_half_of_the_best_is_counted_in_assays_and_one_more_where_it_was_not_found():
    values = np.arange(400.0)  # the best hundredth is the last four
    assert half(values, [0, 399, 1, 396, 398]) == 4
    assert half(values, [0, 399, 1]) == 4
    assert half(values, [398, 397]) == 2


def test_campaigns_stand_beside_published_searches_under_the_name_that_the_roadmap_reads():
    ends = (8.6, 9.0, 9.4)
    rows = [
        {"seed": seed, "budget": BUDGET, "because": "budget", "course": [(1.0, 2.0), (100.0, end)]}
        for seed, end in enumerate(ends)
    ]
    published = [
        {"task": f"published {task}, graph_ga", "after": {"100": after}} for task, after in (("F2", 8.58), ("JAK2", 8.57))
    ]
    mean, spread, used, peer = designed(rows, published)
    assert (mean.value, mean.low, mean.high, spread.value) == pytest.approx((9.0, 8.6, 9.4, 0.4))
    assert (used.value, used.unit) == (3, "of 3")
    assert (peer.value, peer.peer) == (8.58, "graph_ga")  # the published search of the same task alone
    stated = tomllib.loads((Path(__file__).parents[2] / "roadmap/bio.toml").read_text("utf-8"))["milestone"]
    (milestone,) = [one for one in stated if one["id"] == "bio-design"]
    assert (milestone["metric"], milestone["target"]) == (mean.name, mean.target)
