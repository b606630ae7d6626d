"""A small pool of real charges: the cheapest rung of PyBaMM, from the journal to the training part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dure.pool import Pool, build, generate, split

pytestmark = pytest.mark.needs("pybamm", "pyarrow")


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    """Two designs for each of eight tasks, one a cell."""
    folder = tmp_path_factory.mktemp("charges")
    generate("energy/fast-charge", folder / "journal", tasks=8, designs=2, workers=2)
    return build("energy/fast-charge", [folder / "journal"], folder / "pool.parquet", licence="CC0-1.0", access="open")


def test_charges_obey_what_a_charge_must(pool: Pool):
    assert {one.setting.cell for one in pool.tasks} == set(pool.problem.inputs_of_setting["cell"].options)  # type: ignore[attr-defined]
    for task in pool.tasks:
        answers = task.at("dfn-coarse")
        assert len(answers) == 2
        for design, failed, minutes, hottest, heating in zip(
            answers.designs, answers.failed, *(answers.outcomes[name] for name in ("minutes", "t_max", "heating")), strict=True
        ):
            if failed:
                continue
            # a quarter of the charge at C-rate c takes 60 * end_soc / 4 / c minutes, or longer at a voltage limit
            least = 60 * task.setting.end_soc / 4 / np.array(design.rates)
            assert (minutes > 0.999 * least).all()
            assert hottest.max() == pytest.approx(design.preheat + heating[0], abs=0.5)


def test_held_out_cells_are_in_no_training_part(pool: Pool, tmp_path: Path):
    train, held_out = split(pool.path, tmp_path)
    assert {one.setting.cell for one in held_out.tasks} == {"Ai2020", "Mohtat2020"}
    train.check_training()
    assert len(train.tasks) == 6
