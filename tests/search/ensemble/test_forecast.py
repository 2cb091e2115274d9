"""What an ensemble would score, from stored predictions alone; and where it cannot be said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState, create_trial

from core.ensembles import average
from core.statistics import overall_score, own_metric
from search.analysis.expected_score import estimate_best
from search.ensemble.forecast import forecast_ensemble
from search.recorded.ranking import WinnerByMean, ranked_trials
from search.trials.record import REPEAT_OF
from tests.search.made_study import SPECS, TASKS, WEIGHTS, MadeStudy, make_study


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.ensemble.selection_replay._MOST", 30)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeStudy:
    """Record twelve trials of about the same quality; the first is pruned, and the second is a repeat."""
    made = make_study(tmp_path_factory.mktemp("made"), [[0.1, 0.2]] * 12)
    pruned, repeat, *others = made.study.get_trials()
    study = optuna.create_study(direction="maximize")
    study.add_trial(create_trial(state=TrialState.PRUNED, value=1.0, user_attrs=pruned.user_attrs))
    study.add_trial(create_trial(value=1.0, user_attrs={**repeat.user_attrs, REPEAT_OF: 0}))
    study.add_trials(others)
    return MadeStudy(study, made.folders, made.data, made.gold)


def test_of_the_finished_trials_at_their_best_rungs(made: MadeStudy) -> None:
    found, _ = forecast_ensemble(made.study, made.folders)
    assert found is not None
    assert (found.trials, found.candidates, found.resamples, found.gone) == (10, 10, 30, ())
    assert set(found.shares) <= set(range(2, 12))
    assert 2 <= len(found.shares) <= 10
    assert list(found.shares.values()) == sorted(found.shares.values(), reverse=True)
    assert sum(found.shares.values()) == pytest.approx(1.0)
    best = {n: made.study.trials[n].user_attrs["best_rung"] for n in found.shares}
    members = [made.predictions(number, rung) for number, rung in best.items()]
    scores = {}
    for task in TASKS:
        together = average([one[task] for one in members], list(found.shares.values()))
        scores[task] = own_metric(SPECS[task], together.astype(np.float32), made.gold[task])
        assert found.scores.tasks[task].dev == pytest.approx(scores[task])
    overall = overall_score(scores, SPECS, WEIGHTS)
    assert found.scores.overall.dev == pytest.approx(overall)
    single, _ = estimate_best(made.study, made.folders)
    assert single is not None
    assert found.best == single.trial
    assert found.gain.overall.dev == pytest.approx(overall - single.scores.overall.dev)
    assert found.scores.overall.optimism > 0


def test_the_gain_is_over_the_highest_score(made: MadeStudy) -> None:
    """Not over the winner of a choice by means over runs, which comes first among the trials."""
    chosen = optuna.create_study(direction="maximize")
    chosen.add_trials(made.study.get_trials())
    worst, *_, best = sorted(range(2, 12), key=lambda number: made.study.trials[number].value or 0.0)
    WinnerByMean("mine", {"mine": (worst,), "other": (best,)}).record(chosen)
    assert ranked_trials(chosen)[0].number == worst
    found, _ = forecast_ensemble(chosen, made.folders)
    assert found is not None
    assert found.best == best
    assert found.gain.overall.dev == pytest.approx(found.scores.overall.dev - chosen.trials[best].value)


def test_only_the_best_are_candidates(made: MadeStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.ensemble.forecast._CANDIDATES", 3)
    found, _ = forecast_ensemble(made.study, made.folders)
    assert found is not None
    values = {number: made.study.trials[number].value or 0.0 for number in range(2, 12)}
    assert set(found.shares) <= set(sorted(values, key=lambda number: -values[number])[:3])
    assert (found.candidates, found.trials) == (3, 10)
    monkeypatch.setattr("search.ensemble.forecast._MOST_TRIALS", 2)
    found, _ = forecast_ensemble(made.study, made.folders)
    assert found is not None
    assert (found.candidates, found.trials) == (2, 10)


def test_where_it_cannot_be_said(tmp_path: Path) -> None:
    assert forecast_ensemble(make_study(tmp_path / "none", []).study, None) == (None, "")  # type: ignore[arg-type]
    one = make_study(tmp_path / "one", [[0.2]])
    assert forecast_ensemble(one.study, one.folders) == (None, "trial 0 is the only one that has finished")
    two = make_study(tmp_path / "two", [[0.1], [0.3], [0.1]])
    best = two.study.best_trial.number
    other = next(number for number in range(3) if number != best)
    two.folders.run(other).predictions("sts", 100).unlink()
    found, _ = forecast_ensemble(two.study, two.folders)
    assert found is not None
    assert (found.gone, found.candidates) == ((other,), 2)
    moved = two.data.rename(tmp_path / "moved")
    assert "(--data says where the files are now)" in forecast_ensemble(two.study, two.folders)[1]
    assert forecast_ensemble(two.study, two.folders, moved) == (found, "")
    two.folders.run(best).predictions("sst", 100).unlink()
    reason = f"trial {best}'s dev predictions are gone (--runs-dir says where to look)"
    assert forecast_ensemble(two.study, two.folders, moved) == (None, reason)
