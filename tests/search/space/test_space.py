"""Propose from a space, encode a run in it, and list its grid."""

import json

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import FixedTrial

from data.errors import UserError
from search.space.difference import space_difference
from search.space.parsing import parse_space
from search.space.random_draws import RandomDraws
from tests.search.space.made_spaces import EVERYTHING, base

optuna.logging.set_verbosity(optuna.logging.ERROR)


def test_a_trial_sets_what_it_suggests_and_nothing_else() -> None:
    space = parse_space(
        {"optim.learning_rate": EVERYTHING["optim.learning_rate"], "heads.sst.layers": {"low": 1, "high": 3}}, base()
    )
    config = space.suggest(FixedTrial({"optim.learning_rate": 3e-4, "heads.sst.layers": 2}), base())
    expected = base(optim={"learning_rate": 3e-4}, heads={"sst": {"layers": 2}})
    assert config == expected
    assert type(config.heads["sst"].layers) is int


def test_a_setting_whose_condition_fails_is_not_asked_for() -> None:
    space = parse_space(EVERYTHING, base())
    params = {"heads.sts.pair": "cross", "heads.sst.layers": 1, "optim.learning_rate": 1e-4, "optim.clip_norm": None}
    params |= {"sampler.alpha": 0.3, "loss.weights[sst]": 0.2, "loss.weights[para]": 0.4}
    trial = FixedTrial(params)
    config = space.suggest(trial, base())
    assert trial.params == params
    assert config.heads["sst"].dropout_hidden == 0.1
    assert config.optim.clip_norm is None


def test_conditions_look_at_the_base_where_a_setting_is_not_searched() -> None:
    table = {"heads.sts.combine": {"choices": ["uv", "uv-diff"], "when": {"heads.sts.pair": "siamese"}}}
    siamese = base(heads={"sts": {"pair": "siamese"}})
    config = parse_space(table, siamese).suggest(FixedTrial({"heads.sts.combine": "uv"}), siamese)
    assert config.heads["sts"].combine == "uv"


def test_shares_under_a_condition_are_shown_where_it_holds() -> None:
    shares = {"simplex": ["sst", "sts"], "when": {"heads.sts.pair": "siamese"}}
    space = parse_space({"heads.sts.pair": ["cross", "siamese"], "loss.weights": shares}, base())
    cross = space.suggest(FixedTrial({"heads.sts.pair": "cross"}), base())
    assert space.chosen(cross) == {"heads.sts.pair": "cross"}
    siamese = space.suggest(FixedTrial({"heads.sts.pair": "siamese", "loss.weights[sst]": 0.25}), base())
    assert set(space.chosen(siamese)) == {"heads.sts.pair", "loss.weights.sst", "loss.weights.sts"}


def test_the_default_run_lies_in_the_space_and_comes_back() -> None:
    space = parse_space(EVERYTHING, base())
    encoding = space.encode(base())
    assert encoding.notes == ()
    assert encoding.params == pytest.approx(
        {
            "heads.sts.pair": "cross",
            "heads.sst.layers": 1,
            "optim.learning_rate": 2e-5,
            "optim.clip_norm": 1.0,
            "sampler.alpha": 0.5,
            "loss.weights[sst]": 5 / 9,
            "loss.weights[para]": 0.5,
        }
    )
    again = space.suggest(FixedTrial(encoding.params), base())
    assert again.loss.weights == pytest.approx({"sst": 1.0, "para": 1.0, "sts": 1.0}, abs=1e-12)
    assert again.model_copy(update={"loss": base().loss}) == base()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_encode_inverts_suggest(seed: int) -> None:
    space = parse_space(EVERYTHING, base())
    draws = RandomDraws(np.random.default_rng(seed))
    config = space.suggest(draws, base())
    encoding = space.encode(config)
    assert encoding.notes == ()
    assert set(encoding.params) == set(draws.params)
    again = space.suggest(FixedTrial(encoding.params), base())
    assert again.loss.weights == pytest.approx(config.loss.weights, abs=1e-12)
    assert again.model_copy(update={"loss": config.loss}) == config


def test_an_enqueued_configuration_is_the_one_that_runs() -> None:
    space = parse_space(EVERYTHING, base())
    config = space.suggest(RandomDraws(np.random.default_rng(5)), base())
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.enqueue_trial(space.encode(config).params)
    again = space.suggest(study.ask(), base())
    assert again.model_copy(update={"loss": config.loss}) == config


def test_encode_names_what_lies_outside() -> None:
    table = {
        "optim.learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
        "sampler.alpha": {"low": 0.0, "high": 0.9, "step": 0.3},
    }
    table |= {
        "model.dropout": {"low": 0.0, "high": 0.3},
        "loss.weights": {"simplex": True, "min": 0.1},
        "optim.warmup": [0.1, 0.2],
    }
    start = base(loss={"weights": {"sst": 0.0, "para": 2.0}})
    encoding = parse_space(table, start).encode(start)
    assert encoding.params == {"optim.warmup": 0.1}
    assert encoding.notes == (
        "optim.learning_rate = 2e-05 lies outside 0.0001 .. 0.01 log",
        "sampler.alpha = 0.5 lies outside 0 .. 0.9 step 0.3",
        "model.dropout = none lies outside 0 .. 0.3; set base.model.dropout = 0, "
        'or give choices with "none" among them',
        "loss.weights = sst 0, para 2, sts 1 lies outside shares of sst, para, sts, each at least 0.1",
    )


def test_json_and_back() -> None:
    space = parse_space(EVERYTHING, base())
    again = parse_space(json.loads(json.dumps(space.to_json())), base())
    assert again == space
    assert space_difference(json.loads(json.dumps(space.to_json())), again) == []


def test_values_that_make_no_run_are_named() -> None:
    space = parse_space({"heads.sts.pair": ["cross", "siamese"]}, base(heads={"sts": {"pair": "siamese"}}))
    unfit = base(heads={"sts": {"pair": "siamese", "combine": "uv"}})
    with pytest.raises(
        UserError, match=r"^no run has heads.sts.pair = cross: heads.sts.combine = 'uv' needs pair = 'siamese'"
    ):
        space.suggest(FixedTrial({"heads.sts.pair": "cross"}), unfit)


def test_grid_lists_every_value() -> None:
    table = {
        "sampler.alpha": {"low": 0.0, "high": 1.0, "step": 0.5},
        "heads.sst.layers": {"low": 1, "high": 3},
        "optim.clip_norm": ["none", 1.0],
    }
    assert parse_space(table, base()).grid() == {
        "sampler.alpha": [0.0, 0.5, 1.0],
        "heads.sst.layers": [1, 2, 3],
        "optim.clip_norm": [None, 1.0],
    }


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "optim.learning_rate",
            "a grid needs settings with finitely many values; give optim.learning_rate choices or a step",
        ),
        ("loss.weights", "a grid needs settings with finitely many values; give loss.weights choices or a step"),
    ],
)
def test_no_grid_of_continuous_settings(path: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_space({path: EVERYTHING[path]}, base()).grid()
    assert str(caught.value) == message
