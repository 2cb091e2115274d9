"""What a selected ensemble will score on new data: by replaying its selection plainly."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from core.ensembles import average
from core.statistics import overall_score, own_metric
from data.errors import UserError
from search.analysis.checkpoints import bags_of
from search.ensemble.selection import GreedyOptions, select_shares
from search.ensemble.selection_replay import SelectionReplay
from search.trials.record import FinishedTrial
from tests.core.statistics.winners_curse_simulation import Case
from tests.search.ensemble.selection_simulation import simulate
from tests.search.made_study import SIZE, SPECS, TASKS, WEIGHTS, MadeStudy, make_study

SKILLS = [[0.2, 0.15], [0.2], [0.15, 0.2], [0.1]]


@pytest.fixture
def made(tmp_path: Path) -> MadeStudy:
    return make_study(tmp_path, SKILLS)


def replay(made: MadeStudy, pool: Iterable[int], options: GreedyOptions) -> SelectionReplay:
    config = FinishedTrial.read(made.study.trials[0]).config
    return SelectionReplay.stored(range(4), tuple(pool), options, config, made.folders)


def score(made: MadeStudy, predictions: dict[str, np.ndarray], rows: dict[str, np.ndarray]) -> float:
    scores = {t: own_metric(SPECS[t], predictions[t][rows[t]], made.gold[t][rows[t]]) for t in TASKS}
    return overall_score(scores, SPECS, WEIGHTS)


def best_runs(made: MadeStudy, rows: dict[str, np.ndarray]) -> dict[int, dict[str, np.ndarray]]:
    """Return every trial at its best rung by these examples, the best trial first."""
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
def test_the_selection_is_repeated_in_every_resample(made: MadeStudy, pool: int, options: GreedyOptions) -> None:
    config = FinishedTrial.read(made.study.trials[0]).config
    assert config is not None
    everything = {task: np.arange(SIZE) for task in TASKS}
    on_dev = best_runs(made, everything)
    members = dict(sorted(list(on_dev.items())[:pool]))
    shares = select_shares(members, config.tasks, made.gold, options)
    again = replay(made, members, options)
    assert again.selected_on_all == shares
    found, gain = again.expect(shares).overall, again.expect_gain(shares).overall
    assert again.resamples == 20

    bags = {task: bags_of(task, made.gold[task], 20) for task in TASKS}
    ensembles, single, outside = [], [], []
    for b in range(20):
        rows = {task: bag.rows(b) for task, bag in bags.items()}
        runs = dict(sorted(list(best_runs(made, rows).items())[:pool]))
        drawn = {m: {t: one[t][rows[t]] for t in TASKS} for m, one in runs.items()}
        chosen = select_shares(drawn, config.tasks, {t: made.gold[t][rows[t]] for t in TASKS}, options)
        ensembles.append(averaged(runs, chosen))
        single.append(next(iter(best_runs(made, rows).values())))
        outside.append({task: np.setdiff1d(everything[task], rows[task]) for task in TASKS})
    of_ensembles, of_single = (
        np.array(
            [
                score(made, one, everything)
                + score(made, one, outside[b])
                - np.mean([score(made, one, left_out) for left_out in outside])
                for b, one in enumerate(selected)
            ]
        )
        for selected in (ensembles, single)
    )
    dev, alone = score(made, averaged(on_dev, shares), everything), score(made, next(iter(on_dev.values())), everything)
    assert (found.dev, found.expected) == pytest.approx((dev, of_ensembles.mean()))
    assert (gain.dev, gain.expected) == pytest.approx((dev - alone, (of_ensembles - of_single).mean()))
    half = stats.t.ppf(0.975, 19) * (of_ensembles - of_single).std(ddof=1) * math.sqrt(1 / (math.e - 1) + 1 / 20)
    assert gain.high - gain.expected == pytest.approx(half)
    assert of_ensembles.std() > 0.005


@pytest.mark.parametrize(("bags", "too_good"), [(0, 0.0135), (3, 0.0075)])
def test_where_the_truth_is_known(bags: int, too_good: float) -> None:
    """With 20 resamples, the fewest. The standard error of a mean over the studies is 0.002, of a share 0.02."""
    rng, case = np.random.default_rng(0), Case(12, 2, spread=0.1, alike=0.8, examples=150)
    outcomes = [simulate(case, GreedyOptions(4, bags=bags), 6, 20, rng) for _ in range(80)]
    truth, true_gain = (np.array([getattr(one, name) for one in outcomes]) for name in ("truth", "true_gain"))
    dev, expected = (np.array([getattr(one.ensemble, name) for one in outcomes]) for name in ("dev", "expected"))
    gain = np.array([one.gain.expected for one in outcomes])
    assert (dev - truth).mean() == pytest.approx(too_good, abs=0.004)
    assert (expected - truth).mean() == pytest.approx(0.0, abs=0.004)
    assert (gain - true_gain).mean() == pytest.approx(0.0, abs=0.004)
    assert true_gain.mean() > 0.003
    assert np.mean([one.ensemble.low <= one.truth <= one.ensemble.high for one in outcomes]) >= 0.91
    assert np.mean([one.gain.low <= one.true_gain <= one.gain.high for one in outcomes]) >= 0.91


def test_resamples_are_bounded(made: MadeStudy) -> None:
    assert replay(made, range(4), GreedyOptions(50_000)).resamples == 20


def test_lost_predictions(made: MadeStudy) -> None:
    made.folders.run(1).predictions("sst", 100).unlink()
    with pytest.raises(UserError, match="trial 1's dev predictions are gone"):
        replay(made, range(4), GreedyOptions(2)).expect({task: {0: 1.0} for task in TASKS})


@pytest.mark.parametrize("pool", [of for size in range(1, 5) for of in combinations(range(4), size)])
def test_any_models_may_be_lost(made: MadeStudy, pool: tuple[int, ...]) -> None:
    """A better trial without its model is in no resample's pool; of two equal ones the first is the better one."""
    shutil.rmtree(made.folders.run(3).path)
    shutil.copytree(made.folders.run(0).path, made.folders.run(3).path)
    again = replay(made, pool, GreedyOptions(2))
    everything = {task: np.arange(SIZE) for task in TASKS}
    ranking = list(best_runs(made, everything))  # stable, and in the order of the numbers before it is sorted
    worst = max(ranking.index(trial) for trial in pool)
    assert {one.trial for one in again.checkpoints} == {*pool, *ranking[worst:]}
    assert sorted(one.trial for one in again.recorded_pool) == list(pool)


def test_what_is_expected_where_a_model_was_lost(made: MadeStudy) -> None:
    """As if the better trials that are not in the pool had never been."""
    first, *_, last = best_runs(made, {task: np.arange(SIZE) for task in TASKS})
    pool = sorted((first, last))
    again, config = replay(made, pool, GreedyOptions(2)), FinishedTrial.read(made.study.trials[0]).config
    shares = again.selected_on_all
    assert set(shares["sst"]) <= set(pool)
    without = SelectionReplay.stored(pool, pool, GreedyOptions(2), config, made.folders)
    assert again.expect(shares) == without.expect(shares)
    assert again.trials == 2


def test_the_command_says_it(make: Any) -> None:
    made = make(greedy=3, dev_only=True)
    expected = made.record["expected"]
    assert f"Overall dev score: {made.record['dev']['overall']:.4f}; expected on new data" in made.printed
    assert "Selecting an ensemble from 4 trials" in made.printed
    assert "The selection was repeated on 20 resamples of the dev examples" in made.printed
    assert expected["overall"]["dev"] == pytest.approx(made.record["dev"]["overall"])
    assert expected["selected_from"] == {"trials": 4}
    by_hand = make(trials="0,1", dev_only=True)
    assert "expected" not in by_hand.record
