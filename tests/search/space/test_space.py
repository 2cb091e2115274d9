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
from search.display.values import shown
from search.parsing.errors import StudyFileError
from search.space.difference import space_difference
from search.space.feasibility import try_space
from search.space.parsing import parse_space, read_space
from search.space.paths import get_value
from search.space.random_draws import RandomDraws

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
        "model.dropout = none lies outside 0 .. 0.3; set base.model.dropout = 0, "
        'or give choices with "none" among them',
        "loss.weights = sst 0, para 2, sts 1 lies outside shares of sst, para, sts, each at least 0.1",
    )


def test_json_and_back() -> None:
    space = parse_space(EVERYTHING, base())
    again = parse_space(json.loads(json.dumps(space.to_json())), base())
    assert again == space
    assert space_difference(json.loads(json.dumps(space.to_json())), again) == []


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
    assert space_difference(old, parse_space(table, base())) == [
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


LINKED: dict[str, Any] = {
    "heads.sts.pair": ["cross", "siamese"],
    "heads.sts.combine": {"value": "cos", "when": {"heads.sts.pair": "siamese"}},
    "heads.sts.loss": {"value": "pearson", "when": {"heads.sts.combine": "cos"}},
    "heads.sts.dropout": {"low": 0.0, "high": 0.5, "when": {"heads.sts.loss": "pearson"}},
}


def test_a_linked_value_is_set_and_not_asked_for() -> None:
    """Also where its condition looks at another linked value, and where a searched setting's condition looks at it."""
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


def test_linked_values_make_no_conditional_parameters_and_may_stand_in_a_grid() -> None:
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
    assert space_difference(stored, read_space(changed, base())) == [
        "heads.sts.combine: was one value, is now choices",
        "optim.clip_norm: value was none, is now 2",
    ]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_encode_inverts_suggest_with_linked_values(seed: int) -> None:
    space = parse_space(LINKED, base())
    draws = RandomDraws(np.random.default_rng(seed))
    config = space.suggest(draws, base())
    encoding = space.encode(config)
    assert encoding.notes == ()
    assert encoding.params == draws.params
    assert space.suggest(FixedTrial(encoding.params), base()) == config


COS = {"heads.sts.output": "cos"}
MENDED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"heads": {"sts": {"loss": "mse"}}},
        {
            "heads.sts.output": ["sigmoid", "classes"],
            "heads.sts.loss": {"value": "cross-entropy", "when": {"heads.sts.output": "classes"}},
        },
    ),
    (
        {"heads": {"sts": {"pair": "cross", "output": "sigmoid", "loss": "mse"}}},
        {
            "heads.sts.output": ["sigmoid", "cos"],
            "heads.sts.pair": {"value": "siamese", "when": COS},
            "heads.sts.combine": {"value": "cos", "when": COS},
            "heads.sts.loss": {"value": "pearson", "when": COS},
        },
    ),
    (
        {"sampler": {"order": "together"}},
        {
            "gradients.rule": ["sum", "anchored"],
            "gradients.anchor": {"choices": ["sst", "para"], "when": {"gradients.rule": "anchored"}},
        },
    ),
    (  # one of two choices only mends it, and the base has another
        {"heads": {"sts": {"pair": "siamese", "side_layers": 2}}},
        {
            "heads.sts.pair": ["cross", "siamese"],
            "heads.sts.side_layers": {"value": 0, "when": {"heads.sts.pair": "cross"}},
        },
    ),
]


@pytest.mark.parametrize(("sections", "table"), MENDED)
def test_a_value_is_judged_together_with_what_it_brings_about(sections: dict[str, Any], table: dict[str, Any]) -> None:
    """Without the settings that the first one's values bring about, one of its values makes no run."""
    start = base(**sections)
    first = next(iter(table))
    assert {row.path for row in parse_space(table, start).describe()} == set(table)
    with pytest.raises(StudyFileError, match="is not allowed here"):
        parse_space({first: table[first]}, start)


def test_a_value_that_suits_another_way_to_meet_its_condition_is_not_refused() -> None:
    """``mse`` beside ``mse`` makes no run, beside ``pearson`` it does: only draws of both fail."""
    auxiliary = {"choices": ["mse", "cosent"], "when": {"heads.sts.loss": ["mse", "pearson"]}}
    table = {"heads.sts.loss": ["mse", "pearson"], "heads.sts.auxiliary_loss": auxiliary}
    with pytest.raises(StudyFileError) as caught:
        parse_space(table, base())
    assert caught.value.key == ("space",)
    assert caught.value.what.startswith("some of its trials would fail: no run has heads.sts.loss = mse, ")
    assert caught.value.what.endswith('; a condition (when) on "heads.sts.auxiliary_loss" may help')


def test_the_two_designs_of_sts_from_a_base_that_spells_one_out() -> None:
    siamese = {"heads.sts.pair": "siamese"}
    table = {
        "heads.sts.pair": ["cross", "siamese"],
        "heads.sts.combine": {"value": "cos", "when": siamese},
        "heads.sts.loss": {"value": "pearson", "when": siamese},
    }
    start = base(heads={"sts": {"pair": "cross", "loss": "mse"}})
    space = parse_space(table, start)
    assert space.suggest(FixedTrial({"heads.sts.pair": "cross"}), start) == start
    head = space.suggest(FixedTrial({"heads.sts.pair": "siamese"}), start).heads["sts"]
    assert (head.combine, head.score_output, head.loss) == ("cos", "cos", "pearson")


def test_what_was_tried_is_seeded_and_holds_every_end_and_choice() -> None:
    space = parse_space(EVERYTHING, base())
    runs = try_space(space, base())
    assert runs == try_space(space, base())
    ends = [(run.key, run.value) for run in runs if len(run.key) > 1]
    expected = [
        (key, shown(value))
        for dimension in space.dimensions
        if dimension.path != "loss.weights"
        for key, value in dimension.distribution.probes(dimension.path)
    ]
    assert ends == expected
    assert len(runs) == len(expected) + 100
    for run in runs[: len(ends)]:
        assert shown(get_value(run.config, run.key[1])) == run.value
        changed = {run.key[1]}
        for path in {"optim.learning_rate", "sampler.alpha"} - changed:
            assert get_value(run.config, path) == get_value(base(), path)


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
