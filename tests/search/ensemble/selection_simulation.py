"""Simulated studies whose ensembles' true scores are known, for a test and ``tests.benchmarks.ensemble_selection``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from unittest.mock import patch

import numpy as np
from scipy import special, stats

from core.config import TaskConfig
from core.run.evaluation import Evaluation
from core.run.run_folder import RunFolder
from core.statistics import Expectation, counted_metrics, overall_score
from data.tasks import TaskSpec
from search.analysis.checkpoints import Checkpoint
from search.ensemble.selection import GreedyOptions, Shares
from search.ensemble.selection_replay import SelectionReplay
from tests.core.statistics.winners_curse_simulation import SPECS, WEIGHTS, Case, errors

TASKS = {name: TaskConfig(spec=spec) for name, spec in SPECS.items()}


@dataclass(frozen=True)
class Outcome:
    """Of one study: what is expected of its ensemble and of its gain over the best trial, and both truths."""

    ensemble: Expectation
    truth: float
    gain: Expectation
    true_gain: float
    members: int


@dataclass(frozen=True)
class _Simulated(Checkpoint):
    values: dict[str, np.ndarray]

    def predictions(self, spec: TaskSpec, size: int) -> np.ndarray:
        assert len(self.values[spec.name]) == size
        return self.values[spec.name]


def simulate(case: Case, options: GreedyOptions, pool: int, resamples: int, rng: np.random.Generator) -> Outcome:
    """Simulate one study, and select an ensemble from its best ``pool`` trials.

    Args:
        case: properties of the study.
        options: of the selection.
        pool: of how many trials it is made.
        resamples: of the dev examples; the selection is repeated in each.
        rng: draws the study.
    """
    study = _Study(case, rng)
    with patch.object(SelectionReplay, "resamples", resamples):
        replay = study.replay(options, pool)
        shares = replay.selected_on_all
        found, gain = replay.expect(shares).overall, replay.expect_gain(shares).overall
    alone = study.truth({task: {replay.best.trial: 1.0} for task in TASKS})
    truth = study.truth(shares)
    return Outcome(found, truth, gain, truth - alone, len(shares["para"]))


def true_gains(case: Case, ways: Sequence[GreedyOptions], pool: int, rng: np.random.Generator) -> list[float]:
    """Return by how much ensembles, selected in several ways, are better than the best trial of one study."""
    study = _Study(case, rng)
    replays = [study.replay(options, pool) for options in ways]
    alone = study.truth({task: {replays[0].best.trial: 1.0} for task in TASKS})
    return [study.truth(replay.selected_on_all) - alone for replay in replays]


class _Study:
    """Its trials' abilities and predictions; the log-odds of para's gold class are normal, as are the scores of sts."""

    def __init__(self, case: Case, rng: np.random.Generator) -> None:
        self._case = case
        self._ability = rng.normal(0.0, case.spread, case.trials)
        self._gold = {"para": np.ones(case.examples, dtype=int), "sts": rng.normal(size=case.examples)}
        trial_of = np.repeat(np.arange(case.trials), case.rungs)
        odds = 0.8 + self._ability[trial_of, None] + errors(case, rng)
        r = np.tanh(1.0 + self._ability)[trial_of, None]
        scores = r * self._gold["sts"] + np.sqrt(1 - r**2) * errors(case, rng)
        values = {"para": list(np.stack([special.expit(-odds), special.expit(odds)], axis=2)), "sts": list(scores)}
        once = np.ones((1, case.examples))
        own = {task: counted_metrics(spec, values[task], self._gold[task], once)[0] for task, spec in SPECS.items()}
        overall = overall_score(own, SPECS, WEIGHTS)
        self._checkpoints = []
        for rung, trial in enumerate(trial_of.tolist()):
            of_tasks = {task: float(own[task][rung]) for task in SPECS}
            evaluation = Evaluation(rung, rung, rung, float(overall[rung]), of_tasks, {}, {}, 1.0, 1.0)
            predictions = {task: values[task][rung] for task in SPECS}
            self._checkpoints.append(_Simulated(trial, RunFolder(Path()), evaluation, predictions))

    def replay(self, options: GreedyOptions, pool: int) -> SelectionReplay:
        return SelectionReplay(self._checkpoints, pool, options, TASKS, self._gold)

    def truth(self, shares: Shares) -> float:
        """Return the overall score on infinitely many examples; errors of two trials have the correlation ``alike``."""
        case, r = self._case, np.tanh(1.0 + self._ability)
        weights = np.zeros(case.trials)
        weights[list(shares["para"])] = list(shares["para"].values())
        own = weights * np.sqrt(1 - r**2)
        signal, noise = weights @ r, case.alike * own.sum() ** 2 + (1 - case.alike) * (own @ own)
        spread = case.alike + (1 - case.alike) * (weights @ weights)
        scores = {
            "para": float(stats.norm.cdf(weights @ (0.8 + self._ability) / sqrt(spread))),
            "sts": float(signal / sqrt(signal**2 + noise)),
        }
        return overall_score(scores, SPECS, WEIGHTS)
