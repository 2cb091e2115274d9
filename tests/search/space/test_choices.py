"""Choices that the base does not have, and values that are set together with others."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import FixedTrial

from search.space.parsing import parse_space, read_space
from search.space.random_draws import RandomDraws
from search.study.file import load_study
from tests.search.space.made_spaces import base
from tests.search.study_texts import with_space, write

LINKED: dict[str, Any] = {
    "heads.sts.pair": ["cross", "siamese"],
    "heads.sts.combine": {"value": "cos", "when": {"heads.sts.pair": "siamese"}},
    "heads.sts.loss": {"value": "pearson", "when": {"heads.sts.combine": "cos"}},
    "heads.sts.dropout": {"low": 0.0, "high": 0.5, "when": {"heads.sts.loss": "pearson"}},
}


def test_what_to_write_where_the_base_lies_outside(tmp_path: Path) -> None:
    line = '"heads.sts.loss" = ["mse", "pearson"]\n"sampler.alpha" = { low = 0.0, high = 1.0 }'
    spec = load_study(write(tmp_path, with_space(line)))
    assert spec.space.encode(spec.base).notes == (
        "heads.sts.loss = none lies outside mse, pearson; "
        'add "none" to the choices, or set base.heads.sts.loss = "mse"',
    )
    for corrected in (
        with_space(line.replace("[", '["none", ')),
        with_space(line, '[base.heads.sts]\nloss = "mse"'),
    ):
        spec = load_study(write(tmp_path, corrected))
        assert spec.space.encode(spec.base).notes == ()


def test_a_linked_value_is_set_and_not_asked_for() -> None:
    """Its condition may refer to another linked value, and a searched setting's condition to it."""
    space = parse_space(LINKED, base())
    siamese = FixedTrial({"heads.sts.pair": "siamese", "heads.sts.dropout": 0.25})
    config = space.suggest(siamese, base())
    assert set(siamese.params) == {"heads.sts.pair", "heads.sts.dropout"}
    head = {"pair": "siamese", "combine": "cos", "loss": "pearson", "dropout": 0.25}
    assert config == base(heads={"sts": head})
    cross = FixedTrial({"heads.sts.pair": "cross"})
    assert space.suggest(cross, base()) == base()
    rows = {row.path: (row.kind, row.values, row.condition) for row in space.describe()}
    assert rows["heads.sts.combine"] == ("value", "cos", "heads.sts.pair = siamese")


def test_a_linked_value_in_a_table_of_trials_is_there_where_it_holds() -> None:
    space = parse_space(LINKED, base())
    config = space.suggest(FixedTrial({"heads.sts.pair": "siamese", "heads.sts.dropout": 0.25}), base())
    assert space.chosen(config) == {
        "heads.sts.pair": "siamese",
        "heads.sts.combine": "cos",
        "heads.sts.loss": "pearson",
        "heads.sts.dropout": 0.25,
    }
    assert space.chosen(base()) == {"heads.sts.pair": "cross"}


def test_a_linked_value_is_encoded_as_nothing_and_compared() -> None:
    space = parse_space(LINKED, base())
    inside = base(heads={"sts": {"pair": "siamese", "combine": "cos", "loss": "pearson", "dropout": 0.25}})
    encoding = space.encode(inside)
    assert encoding.params == {"heads.sts.pair": "siamese", "heads.sts.dropout": 0.25}
    assert encoding.notes == ()
    assert space.suggest(FixedTrial(encoding.params), base()) == inside
    assert space.encode(base()).params == {"heads.sts.pair": "cross"}
    outside = space.encode(base(heads={"sts": {"pair": "siamese"}}))
    assert outside.notes == ('heads.sts.combine = none lies outside cos; set base.heads.sts.combine = "cos"',)


def test_linked_values_make_no_conditional_parameters_and_fit_in_a_grid() -> None:
    table = {path: LINKED[path] for path in list(LINKED)[:3]}
    space = parse_space(table, base())
    assert not space.has_conditions
    assert space.grid() == {"heads.sts.pair": ["cross", "siamese"]}
    assert parse_space(LINKED, base()).has_conditions


def test_a_linked_value_as_json_and_its_changes() -> None:
    table = LINKED | {"optim.clip_norm": {"value": "none", "when": {"heads.sts.pair": "siamese"}}}
    space = parse_space(table, base())
    stored = json.loads(json.dumps(space.to_json()))
    assert stored["optim.clip_norm"] == {"value": "none", "when": {"heads.sts.pair": ["siamese"]}}
    assert parse_space(stored, base()) == space
    other = {"value": 2, "when": {"heads.sts.pair": "siamese"}}
    choices = {"choices": ["uv", "cos"], "when": {"heads.sts.pair": "siamese"}}
    changed = {**table, "optim.clip_norm": other, "heads.sts.combine": choices}
    assert read_space(changed, base()).differences(stored) == [
        "heads.sts.combine: was one value, is now choices",
        "optim.clip_norm: value was none, is now 2",
    ]


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_encode_inverts_suggest_with_linked_values(seed: int) -> None:
    space = parse_space(LINKED, base())
    draws = RandomDraws(np.random.default_rng(seed))
    config = space.suggest(draws, base())
    encoding = space.encode(config)
    assert encoding.notes == ()
    assert encoding.params == draws.params
    assert space.suggest(FixedTrial(encoding.params), base()) == config
