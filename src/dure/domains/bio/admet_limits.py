"""Limits on what a molecule is feared to do, as rules: it is predicted before anything is docked or measured."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from dure.i18n import N_
from dure.models.admet import predicted, predicted_of
from dure.problem import Rule

__all__ = ["AMES", "HERG", "admet_rules"]

HERG = N_("largest predicted probability of blocking hERG; 1 allows any")
AMES = N_("largest predicted probability of mutating bacteria; 1 allows any")


def admet_rules(herg: float, ames: float, pool: tuple[str, ...] = ()) -> tuple[Rule, ...]:
    """Rules for designs with the input ``smiles``; a probability of 1 is no limit and makes no rule.

    A whole ``pool`` that designs are taken from is predicted at once.
    """
    blocks = N_("predicted probability of blocking the potassium channel hERG (Swanson2024): no more than the setting allows")
    mutates = N_("predicted probability of mutating bacteria (Swanson2024): no more than the setting allows")
    stated = (("hERG", N_("hERG"), herg, blocks), ("AMES", N_("Ames test"), ames, mutates))

    @cache
    def every() -> Mapping[str, Mapping[str, float]]:
        return predicted_of(pool)

    def told(smiles: str) -> Mapping[str, float]:
        return every()[smiles] if pool else predicted(smiles)

    return tuple(
        Rule(name, lambda one, endpoint=endpoint, most=most: most - told(one.smiles)[endpoint], text)
        for endpoint, name, most, text in stated
        if most < 1
    )
