"""Augmentation settings that give no examples are refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.core.conftest import MakeConfig


def test_settings_that_give_nothing_are_refused(small_config: MakeConfig) -> None:
    for augmentation, why in (
        ({"sst": {"original": False}}, "leaves no training examples"),
        ({"para": {"extra": {"fraction": 0.5}}}, r"but augmentation\.para\.extra\.path is not set"),
        ({"sst": {"rephrased": {"fraction": 0.5}}}, r"but augmentation\.sst\.rephrased\.model is not set"),
        ({"sts": {"phrases": {"fraction": 0.5, "path": "trees.txt"}}}, "single sentences of 5 classes"),
        ({"sts": {"eda": {"fraction": 0.5, "synonym": 0, "swap": 0}}}, "at least one operation"),
        ({"cfimdb": {}}, "no such task"),
    ):
        with pytest.raises(ValidationError, match=why):
            small_config(augmentation=augmentation)
