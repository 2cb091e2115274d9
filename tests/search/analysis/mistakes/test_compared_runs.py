"""The runs whose errors are examined, and what they predicted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.errors import UserError
from search.analysis.mistakes.compared_runs import best_runs, best_trials, task_runs
from tests.search.made_study import MadeStudy, make_study

SKILLS = [[0.1, 0.3], [0.6, 0.2], [0.5], [0.2]]  # trial 1 at its first rung is the best


@pytest.fixture(scope="module", params=[None, 50])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> MadeStudy:
    return make_study(tmp_path_factory.mktemp("made"), SKILLS, dev_limit=request.param)


def test_a_configuration_is_represented_by_its_best_run(made: MadeStudy) -> None:
    scores = [trial.value for trial in made.study.trials]
    assert scores[2] == max(scores[2:])  # type: ignore[type-var]
    panel = best_runs(made.study, made.folders, {"b": (3, 2), "a": (0,)})
    assert [(run.label, run.record.number) for run in panel.runs] == [("b", 2), ("a", 0)]
    assert panel.subject == f"b, by its best run (trial 2 of {made.study.study_name})"
    assert panel.name == "the 2 finalists"
    runs = task_runs(panel, "sts")
    assert np.array_equal(runs.gold, made.gold["sts"])
    for number, predictions in zip((2, 0), runs.predictions, strict=True):
        rung = made.study.trials[number].user_attrs["best_rung"]
        assert np.array_equal(predictions, made.predictions(number, rung)["sts"])


def test_the_best_trial_is_compared_with_the_runners_up(made: MadeStudy) -> None:
    panel = best_trials(made.study, made.folders)
    assert panel is not None
    ranked = sorted(range(4), key=lambda number: -made.study.trials[number].values[0])
    assert [run.record.number for run in panel.runs] == ranked
    assert (panel.subject, panel.name) == (f"trial {ranked[0]}", "the 4 best trials")


def test_a_study_without_a_finished_trial_has_nothing_to_compare(tmp_path: Path) -> None:
    empty, one = make_study(tmp_path / "a", []), make_study(tmp_path / "b", [[0.2]])
    assert best_trials(empty.study, empty.folders) is None
    alone = best_trials(one.study, one.folders)
    assert alone is not None
    assert alone.name == "the best trial"


def test_only_the_examined_run_needs_its_predictions(tmp_path: Path) -> None:
    made = make_study(tmp_path, [[0.6], [0.2], [0.1]])
    panel = best_trials(made.study, made.folders)
    assert panel is not None
    first, second, third = (run.record.number for run in panel.runs)
    made.folders.run(second).predictions("sst", 100).unlink()
    runs = task_runs(panel, "sst")
    assert (runs.labels, runs.gone) == ((f"trial {first}", f"trial {third}"), (f"trial {second}",))
    made.folders.run(first).predictions("sst", 100).unlink()
    with pytest.raises(UserError, match=f"trial {first}"):
        task_runs(panel, "sst")
    with pytest.raises(UserError, match=r"\(--data says where the files are now\)"):
        task_runs(panel, "sst", tmp_path)
