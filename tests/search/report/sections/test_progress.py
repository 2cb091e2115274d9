"""The score expected on new data as the search went on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.statistics import replay_selection
from search.analysis.checkpoints import bags_of, score_bags, stored_checkpoints
from search.report.sections.progress import expected_progress
from tests.search.made_study import SPECS, WEIGHTS, make_study


def test_what_was_expected_as_the_search_went_on(tmp_path: Path) -> None:
    """Each point is the estimate of a study that ended there; the best so far only rises, what it is worth need not."""
    made = make_study(tmp_path, [[0.3, 0.4], [0.5, 0.6], [0.2, 0.3], [0.4, 0.62]])
    found = expected_progress(made.study, made.folders)
    assert list(found) == [0, 1, 2, 3]
    checkpoints, _ = stored_checkpoints(range(2), made.folders, SPECS)
    bags = {
        task: score_bags(checkpoints, spec, made.gold[task], bags_of(task, made.gold[task], 200))
        for task, spec in SPECS.items()
    }
    at = int(np.argmax([one.evaluation.overall for one in checkpoints]))
    assert found[1] == replay_selection(bags, at, SPECS, WEIGHTS).overall
    best = [one.dev for one in found.values()]
    assert best == sorted(best)
    assert expected_progress(made.study, made.folders, tmp_path / "nowhere") == {}
    made.folders.run(2).predictions("sst", 100).unlink()
    fewer = expected_progress(made.study, made.folders)
    assert list(fewer) == [0, 1, 3]
    assert fewer[1] == found[1]
    made.folders.run(made.study.best_trial.number).predictions("sst", 100).unlink()
    assert expected_progress(made.study, made.folders) == {}
