"""Suggesting, encoding, comparing spaces."""

import json
import math
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import FixedTrial

from core.config import RunConfig
from data.errors import UserError
from data.task_files import builtin_tasks
from search.random_draws import RandomDraws
from search.space_difference import space_difference
from search.space_parsing import parse_space

optuna.logging.set_verbosity(optuna.logging.ERROR)


def base(**sections: Any) -> RunConfig:
    tasks = {name: {"spec": builtin_tasks()[name]} for name in ("sst", "para", "sts")}
    return RunConfig.model_validate({"tasks": tasks, **sections})


EVERYTHING: dict[str, Any] = {
    "heads.sts.combine": {
        "choices": ["uv", "uv-diff", "uv-absdiff"],
        "when": {"heads.sts.pair": "siamese"},
    },
    "heads.sts.pair": ["cross", "siamese"],
    "heads.sst.dropout_hidden": {"low": 0.0, "high": 0.5, "when": {"heads.sst.layers": {"above": 1}}},
    "heads.sst.layers": {"low": 1, "high": 5, "step": 2},
    "heads.sst.hidden_size": {"low": 8, "high": 512, "log": True, "when": {"heads.sst.layers": [3, 5]}},
    "optim.learning_rate": {"low": 1e-5, "high": 1e-3, "log": True},
    "optim.clip_norm": ["none", 1.0, 5],
    "sampler.alpha": {"low": 0.0, "high": 1.0, "step": 0.1},
    "loss.weights": {"simplex": True, "min": 0.05},
}


def test_types_follow_the_fields_and_the_order_follows_the_conditions() -> None:
    space = parse_space(EVERYTHING, base())
    rows = {row.path: (row.kind, row.values, row.condition) for row in space.describe()}
    assert rows == {
        "heads.sts.pair": ("choice", "cross, siamese", ""),
        "heads.sts.combine": ("choice", "uv, uv-diff, uv-absdiff", "heads.sts.pair = siamese"),
        "heads.sst.layers": ("int", "1 .. 5 step 2", ""),
        "heads.sst.dropout_hidden": ("float", "0 .. 0.5", "heads.sst.layers above 1"),
        "heads.sst.hidden_size": ("int", "8 .. 512 log", "heads.sst.layers = 3 or 5"),
        "optim.learning_rate": ("float", "1e-05 .. 0.001 log", ""),
        "optim.clip_norm": ("choice", "none, 1, 5", ""),
        "sampler.alpha": ("float", "0 .. 1 step 0.1", ""),
        "loss.weights": ("simplex", "shares of sst, para, sts, each at least 0.05", ""),
    }
    order = list(rows)
    assert order.index("heads.sts.pair") < order.index("heads.sts.combine")
    assert order.index("heads.sst.layers") < order.index("heads.sst.dropout_hidden")


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


def test_simplex_shares_the_weight_its_tasks_have() -> None:
    start = base(loss={"weights": {"para": 4.0}})
    space = parse_space({"loss.weights": {"simplex": ["sst", "sts"]}}, start)
    config = space.suggest(FixedTrial({"loss.weights[sst]": 0.25}), start)
    assert config.loss.weights == pytest.approx({"sst": 0.5, "para": 4.0, "sts": 1.5}, abs=1e-15)
    assert space.chosen(config) == pytest.approx({"loss.weights.sst": 0.25, "loss.weights.sts": 0.75}, abs=1e-15)


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
        "model.dropout = none lies outside 0 .. 0.3",
        "loss.weights = sst 0, para 2, sts 1 lies outside shares of sst, para, sts, each at least 0.1",
    )


def test_json_and_back() -> None:
    space = parse_space(EVERYTHING, base())
    again = parse_space(json.loads(json.dumps(space.to_json())), base())
    assert again == space
    assert space_difference(json.loads(json.dumps(space.to_json())), again.to_json()) == []


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
    assert space_difference(old, parse_space(table, base()).to_json()) == [
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


def test_values_that_make_no_run_are_named() -> None:
    space = parse_space({"heads.sts.pair": ["cross", "siamese"]}, base(heads={"sts": {"pair": "siamese"}}))
    unfit = base(heads={"sts": {"pair": "siamese", "combine": "uv"}})
    with pytest.raises(
        UserError, match=r"^no run has heads.sts.pair = cross: heads.sts.combine = 'uv' is for siamese pairs"
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


def test_random_draws_keep_to_their_ranges() -> None:
    draws = RandomDraws(np.random.default_rng(0))
    logs = [draws.suggest_float("x", 1e-5, 1e-1, step=None, log=True) for _ in range(2000)]
    assert min(logs) >= 1e-5
    assert max(logs) <= 1e-1
    assert np.mean([math.log10(x) for x in logs]) == pytest.approx(-3.0, abs=0.1)  # the middle of -5 .. -1
    ints = [draws.suggest_int("n", 1, 7, step=3, log=False) for _ in range(300)]
    assert set(ints) == {1, 4, 7}
    assert {draws.suggest_int("n", 1, 3, step=1, log=True) for _ in range(300)} == {1, 2, 3}
    space = parse_space(EVERYTHING, base())
    assert len({space.suggest(draws, base()).digest for _ in range(20)}) == 20
