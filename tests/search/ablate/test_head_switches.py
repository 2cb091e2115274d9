"""Switches for heads: what changes if one is off, and settings that spell out their default."""

from __future__ import annotations

from typing import Any

import pytest

from search.ablate.head_switches import HEAD_SWITCHES, spelled_out
from tests.search.ablate.configurations import made

BY_NAME = {switch.name: switch for switch in HEAD_SWITCHES}
PLAIN = made({})


@pytest.mark.parametrize("name", BY_NAME)
def test_plain_heads_have_nothing_to_switch_off(name: str) -> None:
    assert BY_NAME[name].off(PLAIN, PLAIN) == {}


@pytest.mark.parametrize(
    ("name", "settings", "changes"),
    [
        ("siamese pairs", {"heads.sts.pair": "siamese"}, {"heads.sts.pair": "cross"}),
        ("pooling", {"heads.sst.pooling": "mean"}, {"heads.sst.pooling": "cls"}),
        ("pair features", {"heads.sts.pair": "siamese", "heads.sts.combine": "uv"}, {"heads.sts.combine": None}),
        ("pair features", {"heads.sts.pair": "siamese", "heads.sts.combine": "uv-absdiff"}, {}),  # the default
        ("head dropout", {"heads.sst.dropout": 0.5}, {"heads.sst.dropout": 0.1}),
        (
            "head dropout",
            {"heads.sst.layers": 2, "heads.sst.dropout_hidden": 0.5},
            {"heads.sst.dropout_hidden": 0.1},
        ),
        (
            "score output",
            {"heads.sts.pair": "siamese", "heads.sts.combine": "cos", "heads.sts.output": "cos"},
            {"heads.sts.output": None, "heads.sts.combine": None},
        ),
        ("task loss", {"heads.para.loss": "bce"}, {"heads.para.loss": None}),
        ("label smoothing", {"heads.sst.label_smoothing": 0.1}, {"heads.sst.label_smoothing": 0.0}),
    ],
)
def test_only_settings_that_differ_are_changed(name: str, settings: dict[str, Any], changes: dict[str, Any]) -> None:
    assert BY_NAME[name].off(made(settings), PLAIN) == changes


def test_names_of_rows() -> None:
    rows = {name: switch.row for name, switch in BY_NAME.items()}
    assert (rows["siamese pairs"], rows["pooling"]) == ("without siamese pairs", "plain pooling")


def test_settings_that_spell_out_their_default() -> None:
    assert spelled_out(PLAIN) == []
    usual = PLAIN.heads["sts"].loss_name(PLAIN.tasks["sts"].spec)
    config = made({"heads.sts.pair": "siamese", "heads.sts.combine": "uv-absdiff", "heads.sts.loss": usual})
    assert spelled_out(config) == [{"heads.sts.loss": None}, {"heads.sts.combine": None}]
