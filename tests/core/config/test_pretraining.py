"""The sections say what they need, and are off by default."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from core.config.pretraining import NO_LENGTH, PretrainingConfig, StageConfig, check_pretraining
from data.task_files import builtin_tasks

SPECS = builtin_tasks()


def config(**sections: Any) -> PretrainingConfig:
    return PretrainingConfig.model_validate(sections)


def test_nothing_runs_by_default() -> None:
    assert config().stages == {}


def test_stages_come_in_a_fixed_order() -> None:
    names = ["mlm", "nli", "simcse", "supervised_simcse", "mnrl", "cosine_pairs"]
    given = config(nli_file={"path": "x.csv"}, **{name: {"examples": 1} for name in reversed(names)})
    assert list(given.stages) == names


def test_a_length_in_passes() -> None:
    given = config(mnrl={"passes": 1, "batch_size": 8, "schedule": "constant", "warmup": 0.0}, mlm={"passes": 0.5})
    assert list(given.stages) == ["mlm", "mnrl"]
    stage = given.mnrl.in_examples(1001)
    assert (stage.examples, stage.passes, stage.steps) == (1001, None, 126)
    assert stage == given.mnrl.model_copy(update={"examples": 1001, "passes": None})
    assert given.mlm.in_examples(3).examples == 2
    assert given.mlm.in_examples(1).examples == 1
    assert config(mlm={"examples": 7}).mlm.in_examples(1001).examples == 7
    assert "passes" not in config(mlm={"examples": 7}).mlm.model_dump()
    assert given.of_encoder("sst").stages.keys() == {"mlm", "mnrl"}
    own = config(mnrl={"passes": 1, "encoders": "sts"})
    assert (list(own.of_encoder("sst").stages), list(own.of_encoder("sts").stages)) == ([], ["mnrl"])


def test_a_length_in_one_unit() -> None:
    with pytest.raises(ValidationError, match=r"pretraining\.mnrl\.passes must not be combined with examples = 5"):
        config(mnrl={"passes": 1, "examples": 5})
    with pytest.raises(ValidationError, match="greater than 0"):
        config(mnrl={"passes": 0})
    with pytest.raises(ValidationError, match=r"pretraining\.nli needs a file of pairs; set"):
        config(nli={"passes": 1})


def test_a_stage_is_off_without_a_length_in_any_unit() -> None:
    assert {unit: getattr(StageConfig(), unit) for unit in NO_LENGTH} == NO_LENGTH
    assert all(StageConfig.model_validate({**NO_LENGTH, unit: 1}).is_on for unit in NO_LENGTH)


def test_the_defaults_are_the_papers() -> None:
    every = config()
    assert every.mlm.mask_probability == 0.15
    assert (every.simcse.temperature, every.supervised_simcse.temperature) == (0.05, 0.05)
    assert (every.mnrl.scale, every.mnrl.positive_from) == (20, 4.0)
    assert (every.cosine_pairs.positive_from, every.cosine_pairs.negative_below, every.cosine_pairs.margin) == (
        3.5,
        1.0,
        0.0,
    )


@pytest.mark.parametrize("stage", ["nli", "supervised_simcse"])
def test_nli_needs_a_file(stage: str) -> None:
    with pytest.raises(ValidationError, match=f"pretraining.{stage} needs a file of pairs; set"):
        config(**{stage: {"examples": 10}})


@pytest.mark.parametrize("stage", ["simcse", "supervised_simcse", "mnrl"])
def test_a_batch_of_one_has_no_negatives(stage: str) -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 2"):
        config(**{stage: {"batch_size": 1}})


def test_labels_and_bounds() -> None:
    with pytest.raises(ValidationError, match="entailment, neutral and contradiction must differ, got a, a, b"):
        config(nli_file={"entailment": "a", "neutral": "a", "contradiction": "b"})
    with pytest.raises(ValidationError, match="premise, hypothesis and label must be different columns, got a, a, c"):
        config(nli_file={"premise": "a", "hypothesis": "a", "label": "c"})
    with pytest.raises(ValidationError, match=r"negative_below must be at most positive_from, got 3 and 2\.5"):
        config(cosine_pairs={"positive_from": 2.5, "negative_below": 3})


def test_tasks_are_those_of_the_run() -> None:
    check_pretraining(config(mlm={"tasks": "sst, para"}, mnrl={"tasks": "sts"}), SPECS)
    with pytest.raises(ValueError, match=r"pretraining.mlm.tasks = 'sst,foo': no task 'foo'; the run has sst, para"):
        check_pretraining(config(mlm={"tasks": "sst,foo"}), SPECS)
    with pytest.raises(ValueError, match=r"pretraining.mnrl.tasks: task 'sst' has no pairs with a score or of two"):
        check_pretraining(config(mnrl={"tasks": "sst"}), SPECS)
    with pytest.raises(ValueError, match=r"pretraining.cosine_pairs needs pairs .* no task of the run has them"):
        check_pretraining(config(cosine_pairs={"examples": 10}), {"sst": SPECS["sst"]})
    check_pretraining(config(cosine_pairs={"examples": 0}), {"sst": SPECS["sst"]})
