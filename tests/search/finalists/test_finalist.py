"""Finalists in numbers, from records alone: whose spread is not that of the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.config import RunConfig
from core.statistics import ScoreIntervals
from data.task_files import builtin_tasks
from search.finalists.finalist import OVERALL, measure
from search.trials.folders import TrialFolders
from search.trials.record import FinishedTrial, TrialResult


def test_a_finalist_with_a_run_that_failed_to_learn_has_intervals_of_its_own(tmp_path: Path) -> None:
    """In overall and in the task where it failed; predictions are gone, so that seeds are all there is of chance."""
    tasks = {name: {"spec": builtin_tasks()[name]} for name in ("sst", "sts")}
    config = RunConfig.model_validate({"tasks": tasks, "data": {"directory": str(tmp_path)}})
    sts = {"default": (0.60, 0.61, 0.59), "trial 3": (0.70, 0.10, 0.71), "trial 5": (0.71, 0.70, 0.72)}
    runs = {
        name: [
            FinishedTrial(
                3 * place + seed, "", config, TrialResult((0.5 + value) / 2, {"sst": 0.5 + seed / 100, "sts": value})
            )
            for seed, value in enumerate(values)
        ]
        for place, (name, values) in enumerate(sts.items())
    }
    candidates = {name: {"trial": None, "preset": "", "is_default": name == "default"} for name in runs}
    rows, unknown = measure(runs, candidates, {}, TrialFolders(tmp_path), None)
    assert unknown
    assert {row.name: row.apart for row in rows} == {"default": (), "trial 3": (OVERALL, "sts"), "trial 5": ()}
    steady = ScoreIntervals([np.array(sts["default"]), np.array(sts["trial 5"])], None)
    assert rows[2].to_default["sts"].half_width == steady.difference_half_width(0, 1)
