"""What a selected ensemble will score on new data: by replaying its selection plainly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.ensembles import average
from core.metrics import overall_score, own_metric
from data.errors import UserError
from search.ensemble.selection import GreedyOptions, select_shares
from search.ensemble.winners_curse import Replay
from search.trial_record import TrialRecord
from search.winners_curse import bags_of
from tests.search.made_study import SIZE, SPECS, TASKS, WEIGHTS, MadeStudy, make_study

SKILLS = [[0.2, 0.15], [0.2], [0.15, 0.2], [0.1]]


@pytest.fixture
def made(tmp_path: Path) -> MadeStudy:
    return make_study(tmp_path, SKILLS)


def replay(made: MadeStudy, pool: int, options: GreedyOptions, trials: tuple[int, ...] = (0, 1, 2, 3)) -> Replay:
    config = TrialRecord.read(made.study.trials[0]).config
    assert config is not None
    return Replay(trials, pool, options, config, made.folders)


def score(made: MadeStudy, predictions: dict[str, np.ndarray], rows: dict[str, np.ndarray]) -> float:
    scores = {t: own_metric(SPECS[t], predictions[t][rows[t]], made.gold[t][rows[t]]) for t in TASKS}
    return overall_score(scores, SPECS, WEIGHTS)


def best_runs(made: MadeStudy, rows: dict[str, np.ndarray]) -> dict[int, dict[str, np.ndarray]]:
    """Every trial at its best rung by these examples, the best trial first."""
    runs = {
        trial: max(
            (made.predictions(trial, 100 * rung) for rung in range(1, len(of_trial) + 1)),
            key=lambda one: score(made, one, rows),
        )
        for trial, of_trial in enumerate(SKILLS)
    }
    return dict(sorted(runs.items(), key=lambda item: -score(made, item[1], rows)))


def averaged(runs: dict[int, Any], shares: dict[str, dict[int, float]]) -> dict[str, np.ndarray]:
    return {t: average([runs[m][t] for m in shares[t]], list(shares[t].values())).astype(np.float32) for t in TASKS}


@pytest.mark.parametrize(
    ("pool", "options"),
    [(4, GreedyOptions(3)), (2, GreedyOptions(3)), (4, GreedyOptions(2, bags=3, each_task=True, seed=1))],
)
def test_the_selection_is_made_anew_in_every_resample(made: MadeStudy, pool: int, options: GreedyOptions) -> None:
    config = TrialRecord.read(made.study.trials[0]).config
    assert config is not None
    everything = {task: np.arange(SIZE) for task in TASKS}
    on_dev = best_runs(made, everything)
    members = dict(sorted(list(on_dev.items())[:pool]))
    shares = select_shares(members, config, made.gold, options)
    again = replay(made, pool, options)
    found = again.expect(shares).overall
    assert again.resamples == 20

    bags = {task: bags_of(task, made.gold[task], 20) for task in TASKS}
    ensembles, outside = [], []
    for b in range(20):
        rows = {task: bag.rows(b) for task, bag in bags.items()}
        runs = dict(sorted(list(best_runs(made, rows).items())[:pool]))
        drawn = {m: {t: one[t][rows[t]] for t in TASKS} for m, one in runs.items()}
        chosen = select_shares(drawn, config, {t: made.gold[t][rows[t]] for t in TASKS}, options)
        ensembles.append(averaged(runs, chosen))
        outside.append({task: np.setdiff1d(everything[task], rows[task]) for task in TASKS})
    summands = [
        score(made, one, everything)
        + score(made, one, outside[b])
        - np.mean([score(made, one, left_out) for left_out in outside])
        for b, one in enumerate(ensembles)
    ]
    assert found.dev == pytest.approx(score(made, averaged(on_dev, shares), everything))
    assert found.expected == pytest.approx(np.mean(summands))
    assert np.std(summands) > 0.005


def test_resamples_are_bounded(made: MadeStudy) -> None:
    assert replay(made, 400, GreedyOptions(500)).resamples == 20


def test_lost_predictions(made: MadeStudy) -> None:
    made.folders.run(1).predictions("sst", 100).unlink()
    with pytest.raises(UserError, match="trial 1's dev predictions are gone"):
        replay(made, 4, GreedyOptions(2)).expect({task: {0: 1.0} for task in TASKS})


def test_the_command_says_it(make: Any) -> None:
    made = make(greedy=3, dev_only=True)
    expected = made.record["expected"]
    assert f"Best overall on dev {made.record['dev']['overall']:.4f}; expected on new data" in made.printed
    assert "what was selected from 4 trials" in made.printed
    assert "the selection was made anew on 20 resamples of the dev examples" in made.printed
    assert expected["overall"]["dev"] == pytest.approx(made.record["dev"]["overall"])
    assert expected["selected_from"] == {"trials": 4}
    by_hand = make(trials="0,1", dev_only=True)
    assert "expected" not in by_hand.record
