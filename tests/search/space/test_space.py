"""Propose from a space, encode a run in it, list its grid, compare it with an older one, and narrow it."""

import json
import math

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import FixedTrial

from data.errors import UserError
from search.space.parsing import parse_space, read_space
from search.space.paths import get_value
from search.space.random_draws import RandomDraws
from search.space.ranges import FloatRange, IntRange
from tests.search.space.made_spaces import EVERYTHING, base
from tests.search.space.narrowed_space import BASE, SPACE

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


@settings(max_examples=60)
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
    assert again.differences(json.loads(json.dumps(space.to_json()))) == []


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


def test_difference_in_words() -> None:
    old = parse_space(EVERYTHING, base()).to_json()
    table = json.loads(json.dumps(EVERYTHING))
    del table["sampler.alpha"]
    table["optim.warmup"] = [0.0, 0.1]
    table["optim.learning_rate"] = {"low": 1e-5, "high": 1e-2}
    table["heads.sts.pair"] = ["siamese", "cross"]
    table["heads.sst.layers"] = [1, 3, 5]
    table["heads.sst.dropout_hidden"]["when"] = {"heads.sst.layers": 3}
    table["loss.weights"] = {"simplex": ["sst", "para"]}
    assert parse_space(table, base()).differences(old) == [
        "sampler.alpha: was searched, is no longer",
        "optim.warmup: was not searched, now is",
        "heads.sts.pair: choices was [cross, siamese], is now [siamese, cross]",
        "heads.sst.layers: was a range, is now choices",
        "heads.sst.dropout_hidden: when was {heads.sst.layers = {above = 1}}, is now {heads.sst.layers = [3]}",
        "optim.learning_rate: high was 0.001, is now 0.01",
        "optim.learning_rate: log was true, is now false",
        "loss.weights: simplex was [sst, para, sts], is now [sst, para]",
        "loss.weights: min was 0.05, is now 0",
    ]


def width(one: FloatRange | IntRange) -> float:
    return math.log(one.high / one.low) if one.log else one.high - one.low


@given(seed=st.integers(0, 2**32 - 1))
def test_the_narrow_space_lies_inside_around_the_run(seed: int) -> None:
    centre = SPACE.suggest(RandomDraws(np.random.default_rng(seed)), BASE)
    narrow = SPACE.narrowed(centre)
    assert not narrow.encode(centre).notes
    assert not narrow.has_conditions
    old = {one.path: one.distribution for one in SPACE.dimensions}
    for dimension in narrow.dimensions:
        new, was = dimension.distribution, old[dimension.path]
        if isinstance(new, FloatRange | IntRange) and isinstance(was, FloatRange | IntRange):
            assert was.low <= new.low <= get_value(centre, dimension.path) <= new.high <= was.high
            if dimension.path not in ("seed", "heads.sst.hidden_size"):  # a small whole number has neighbours still
                assert width(new) <= max(width(was) / 4, 2 * (was.step or 0)) + 1e-9
    again = read_space(narrow.to_json(), centre)
    assert again.to_json() == narrow.to_json()
    for number in range(5):
        draws = RandomDraws(np.random.default_rng(number))
        inside = narrow.suggest(draws, centre)
        assert not SPACE.encode(inside).notes  # a run of the old space
        # What the centre searches is searched in all of the narrow space, and nothing else.
        active = [{one.path for one in SPACE.dimensions if one.is_active(config)} for config in (centre, inside)]
        assert active[0] == active[1]
        assert not narrow.encode(inside).notes
