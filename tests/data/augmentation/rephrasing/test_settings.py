"""Rephrasing settings that are refused."""

from __future__ import annotations

from typing import Any

import pytest

from data.augmentation.rephrasing.settings import RephrasingSettings


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": (0.9, 0.1)},
        {"temperature": (0.0, 3.0)},
        {"operations": {}},
        {"operations": {"synonyms": 0}},
        {"operations": {"poetry": 1}},
        {"tries": 0},
        {"model": ""},
        {"shortest": 1.5},
        {"longest": 0.5},
    ],
)
def test_settings_that_cannot_be(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(fields))):
        RephrasingSettings.model_validate({"model": "llama", **fields})
