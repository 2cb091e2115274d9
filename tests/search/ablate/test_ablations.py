"""Every technique can be taken out of any legal run."""

from __future__ import annotations

from collections import Counter
from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from core.config import RunConfig
from search.ablate.ablations import Ablation, ablations, turn_off
from search.ablate.head_switches import spelled_out
from search.ablate.switch import expanded
from search.ablate.switches import SWITCHES
from search.space.paths import differing_paths, get_value
from tests.core.config.drawn_settings import DRAWN, OTHERS, Settings, with_settings
from tests.core.config.drawn_settings import SWITCHES as DRAWN_SWITCHES
from tests.core.config.pair_coverage import Row
from tests.search.ablate.configurations import BY_NAME, TASKS, is_fixed, made

QUICK = partial(
    settings,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # making a failure smaller takes minutes
)
# What test_any_config leaves to others: files are not read until a run is trained.
MORE: dict[str, list[Settings]] = {
    "nli": [{}, {"pretraining.nli.examples": 100, "pretraining.nli_file.path": "mnli.csv"}],
    "stages": [
        {},
        {"pretraining.mlm.examples": 50},
        {"pretraining.simcse.examples": 9, "pretraining.mnrl.examples": 7},
        {"pretraining.mnrl.examples": 7, "pretraining.mnrl.encoders": "sts", "model.encoders": "per-task"},
        {"pretraining.mnrl.examples": 7, "pretraining.mnrl.lora": True, "lora.rank": 4},
        {"pretraining.mnrl.passes": 0.5},
    ],
    "cosine pairs": [{}, {"pretraining.cosine_pairs.examples": 50}],
    "supervised": [{}, {"pretraining.supervised_simcse.examples": 9, "pretraining.nli_file.path": "mnli.csv"}],
    "eda": [{}, {"augmentation.sst.eda.fraction": 1.0}, {"augmentation.para.eda.fraction": 0.5}],
    "alone": [{}, {"augmentation.sst.eda.fraction": 1.0, "augmentation.sst.original": False}],
    "extra": [{}, {"augmentation.para.extra.path": "more.csv", "augmentation.para.extra.fraction": 0.5}],
    "phrases": [{}, {"augmentation.sst.phrases.path": "trees.txt", "augmentation.sst.phrases.fraction": 0.5}],
    "rephrased": [{}, {"augmentation.sts.rephrased.model": "m", "augmentation.sts.rephrased.fraction": 0.5}],
}


@st.composite
def legal_configs(draw: st.DrawFn) -> RunConfig:
    every = {**DRAWN_SWITCHES, **MORE}
    row: Row = draw(st.fixed_dictionaries({name: st.sampled_from(range(len(every[name]))) for name in every}))
    paths = draw(st.lists(st.sampled_from(OTHERS), max_size=25, unique=True))
    others = [{path: draw(st.sampled_from(DRAWN[path]))} for path in paths]
    return with_settings([every[name][which] for name, which in row.items()] + others)


def on(config: RunConfig, default: RunConfig) -> dict[str, set[str]]:
    """Return the settings that turn each technique on, by its name."""
    return {switch.name: set(found) for switch in SWITCHES if (found := switch.off(config, default))}


@given(config=legal_configs(), default=legal_configs())
@QUICK(max_examples=15)
def test_any_technique_of_any_legal_run_can_be_taken_out(config: RunConfig, default: RunConfig) -> None:
    before = on(config, default)
    for name in before:
        one = turn_off(BY_NAME[name], config, default)
        after = on(one.config, default)
        assert name not in after
        for other, paths in before.items():
            is_less = bool(paths - after.get(other, set()))
            assert is_less == (other in (name, *one.along)), (name, other)
        changed = {path for path, _, _ in one.changes}
        assert changed == set(differing_paths([config, one.config]))
        assert not any(is_fixed(path, config) for path in changed)
        named = [BY_NAME[other] for other in (name, *one.along)]
        allowed = {path for each in named for path in expanded((*each.triggers, *each.own), config)}
        allowed |= {path for part in spelled_out(config) for path in part}
        assert changed <= allowed, "what is changed belongs to what is named"


@given(config=legal_configs(), default=legal_configs())
@QUICK(max_examples=5)
def test_rows_are_different_runs_and_name_every_technique_once(config: RunConfig, default: RunConfig) -> None:
    rows = ablations(config, default)
    assert len({row.config for row in rows} | {config}) == len(rows) + 1
    assert len({row.row for row in rows}) == len(rows)
    named = Counter(name for row in rows for name in row.techniques)
    assert named == dict.fromkeys(on(config, default), 1)


# The plainest run that there is.
PLAIN = {"sampler.order": "round-robin", "optim.warmup": 0.0, "optim.schedule": "constant", "optim.clip_norm": None}


def off(name: str, values: Settings, default: Settings | None = None, tasks: tuple[str, ...] = TASKS) -> Ablation:
    return turn_off(BY_NAME[name], made({**PLAIN, **values}, tasks), made(default or PLAIN, tasks))


def test_plain_training_has_nothing_to_take_out() -> None:
    assert not on(made(PLAIN), made(PLAIN))
    assert set(on(made({}), made({}))) == {"batch order", "warm-up", "schedule", "gradient clipping"}


@pytest.mark.parametrize(
    ("name", "values", "changes", "along"),
    [
        ("SMART smoothness", {"smart.weight.sst": 5.0}, {"smart.weight.sst": 0.0}, ()),
        ("LoRA", {"lora.rank": 8, "lora.alpha": 16.0}, {"lora.rank": 0}, ()),
        (
            "batch order",
            {"sampler.order": "together", "gradients.rule": "pcgrad", "r_drop.alpha.sst": 1.0},
            {"sampler.order": "round-robin", "gradients.rule": "sum"},
            ("gradient surgery",),
        ),
        (
            "gradient accumulation",
            {"sampler.order": "shuffled", "optim.accumulate": 2, "gradients.rule": "pcgrad"},
            {"optim.accumulate": 1, "gradients.rule": "sum"},
            ("gradient surgery",),
        ),
        (
            "siamese pairs",  # and the other task's pairs, but not its loss
            {
                "heads.sts.pair": "siamese",
                "heads.sts.combine": "cos",
                "heads.sts.side_layers": 2,
                "heads.sts.loss": "pearson",
                "heads.para.pair": "siamese",
                "heads.para.loss": "bce",
            },
            {
                "heads.sts.pair": "cross",
                "heads.sts.combine": None,
                "heads.sts.side_layers": 0,
                "heads.para.pair": "cross",
            },
            ("pair features", "side layers", "score output"),
        ),
        (
            "score output",
            {"heads.sts.output": "classes", "heads.sts.score_classes": 6, "heads.sts.label_smoothing": 0.1},
            {"heads.sts.output": None, "heads.sts.score_classes": None, "heads.sts.label_smoothing": 0.0},
            ("label smoothing",),
        ),
        (
            "EDA copies",
            {"augmentation.sst.eda.fraction": 1.0, "augmentation.sst.original": False},
            {"augmentation.sst.eda.fraction": 0.0, "augmentation.sst.original": True},
            ("further examples alone",),
        ),
        (
            "encoder dropout",
            {"model.dropout": 0.3, "model.attention_dropout": 0.0, "r_drop.alpha.sts": 1.0},
            {"model.dropout": None, "model.attention_dropout": None},
            (),
        ),
        (
            "head layers",
            {"heads.sst.layers": 3, "heads.sst.dropout_hidden": 0.5},
            {"heads.sst.layers": 1},
            ("head dropout",),
        ),
        ("loss weights", {"loss.weights.sst": 3.0}, {"loss.weights.sst": 1.0}, ()),
        ("batch sizes by task", {"tasks.sst.batch_size": 3}, {"tasks.sst.batch_size": None}, ()),
    ],
)
def test_what_changes(name: str, values: Settings, changes: Settings, along: tuple[str, ...]) -> None:
    one = off(name, values)
    assert {path: now for path, _, now in one.changes} == changes
    assert one.along == along
    for path, was, now in one.changes:
        assert was == values.get(path, was)
        assert get_value(one.config, path) == now


def test_a_setting_goes_back_to_the_default_configuration() -> None:
    one = off("learning rate", {"optim.learning_rate": 1e-3}, {**PLAIN, "optim.learning_rate": 5e-5})
    assert one.row == "default learning rate"
    assert one.changes == (("optim.learning_rate", 1e-3, 5e-5),)
    same = {"optim.learning_rate": 1e-3}
    assert "learning rate" not in on(made(same), made(same))


def test_values_that_do_nothing_turn_nothing_on() -> None:
    """Equal weights, a usual loss by its name, one task's order, hidden dropout of a linear head."""
    idle = {
        **PLAIN,
        "loss.weights": {"sst": 2.0, "para": 2.0, "sts": 2.0},
        "heads.sts.loss": "mse",
        "heads.para.combine": "uv-absdiff",
        "heads.para.pair": "siamese",
        "heads.sst.dropout_hidden": 0.7,
        "optim.head_learning_rate": 1e-4,
        "optim.learning_rate": 1e-4,
        "tasks.sst.batch_size": 16,
    }
    assert set(on(made(idle), made(idle))) == {"siamese pairs"}
    assert "batch order" not in on(made({}, ("sst",)), made({}, ("sst",)))


def test_two_techniques_that_are_only_there_together_are_one_row() -> None:
    cosine = {"heads.sts.pair": "siamese", "heads.sts.combine": "cos"}
    rows = ablations(made({**PLAIN, **cosine}), made(PLAIN))
    assert [row.techniques for row in rows] == [("siamese pairs",), ("pair features", "score output")]
    assert rows[1].row == "plain pair features, plain score output"
    assert rows[1].along == ()
