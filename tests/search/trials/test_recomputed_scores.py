"""What a model predicts now, compared with what was recorded: rounding is accepted, anything else is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.config import RunConfig
from core.inputs.fixed_subset import fixed_subset
from core.run.run_folder import RunFolder
from data.errors import UserError
from data.task_files import builtin_tasks
from search.trials.recomputed_scores import RecordedScores

GOLD = np.array([0, 1, 1, 0])
STORED = np.array([[0.9, 0.1], [0.2, 0.8], [0.499, 0.501], [0.3, 0.7]], np.float32)  # 3 of 4 right


def recorded(folder: Path, precision: str = "float32", score: float = 0.75, **task: Any) -> RecordedScores:
    config = RunConfig.model_validate(
        {
            "tasks": {"para": {"spec": builtin_tasks()["para"], **task}},
            "compute": {"precision": precision, "device": "cpu"},
        }
    )
    run = RunFolder(folder)
    run.write_predictions(10, {"para": STORED})
    return RecordedScores(3, run, config, 10, {"para": score})


def moved(by: float, row: int = 2) -> np.ndarray:
    found = STORED.copy()
    found[row] += (by, -by)
    return found


def test_the_same_score_is_accepted(tmp_path: Path) -> None:
    recorded(tmp_path).check("para", moved(0.05, row=0), GOLD)


def test_rounding_may_change_a_class(tmp_path: Path) -> None:
    recorded(tmp_path).check("para", moved(0.009), GOLD)
    recorded(tmp_path, "bfloat16").check("para", moved(0.09), GOLD)


@pytest.mark.parametrize(("precision", "by"), [("float32", 0.02), ("bfloat16", 0.2)])
def test_more_than_rounding_is_refused_with_both_scores(tmp_path: Path, precision: str, by: float) -> None:
    with pytest.raises(UserError) as caught:
        recorded(tmp_path, precision).check("para", moved(by), GOLD)
    assert str(caught.value) == (
        f"trial 3 was recorded with para accuracy 0.7500 on dev, but its model in '{tmp_path}' scores 0.5000 now: its "
        "files or the dev file have changed; restore them, or choose another trial"
    )


def test_predictions_that_do_not_give_the_recorded_score_prove_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"para accuracy 0\.2500 on dev, .* scores 0\.5000 now"):
        recorded(tmp_path, score=0.25).check("para", moved(0.009), GOLD)


def test_without_stored_predictions_the_score_decides(tmp_path: Path) -> None:
    record = recorded(tmp_path)
    record.folder.predictions("para", 10).unlink()
    record.check("para", STORED, GOLD)
    with pytest.raises(UserError, match=r"scores 0\.5000 now"):
        record.check("para", moved(0.009), GOLD)


def test_only_the_examples_that_trials_are_scored_on_count(tmp_path: Path) -> None:
    """With ``dev_limit``, a model predicts for all of dev."""
    chosen = fixed_subset(4, 2, "para")
    gold = np.array([1, 0, 0, 1])  # all of STORED is wrong
    gold[chosen] = STORED[chosen].argmax(axis=1)
    recorded(tmp_path, score=1.0, dev_limit=2).check("para", STORED, gold)
    with pytest.raises(UserError, match=r"recorded with para accuracy 0\.5000 on dev, .* scores 1\.0000 now"):
        recorded(tmp_path, score=0.5, dev_limit=2).check("para", STORED, gold)
