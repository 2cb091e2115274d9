"""Simulated studies whose true scores are known, for a test and for ``tests.benchmarks.winners_curse``."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import stats

from core.statistics import Bags, BagScores, replay_selection
from data.task_files import builtin_tasks

PARA, STS = builtin_tasks()["para"], builtin_tasks()["sts"]
SPECS, WEIGHTS = {"para": PARA, "sts": STS}, {"para": 1.0, "sts": 1.0}


@dataclass(frozen=True)
class Case:
    """The properties of simulated studies.

    Attributes:
        trials: of a study.
        rungs: of a trial; the best one is chosen.
        spread: standard deviation of the trials' true abilities, on a probit scale and that of Fisher's z.
        alike: correlation of any two trials' errors on the same example; two rungs of a trial err nearly alike.
        examples: of dev, for each of two tasks: a pair to classify (accuracy), and one to score (Pearson).
    """

    trials: int
    rungs: int = 1
    spread: float = 0.0
    alike: float = 0.5
    examples: int = 200


@dataclass(frozen=True)
class Outcome:
    """Of one study: naive best score, what is expected with its interval, and the truth about what was selected."""

    naive: float
    expected: float
    low: float
    high: float
    paper_low: float
    paper_high: float
    truth: float


def simulate(case: Case, resamples: int, rng: np.random.Generator) -> Outcome:
    """Simulate one study and select its winner."""
    runs, n = case.trials * case.rungs, case.examples
    ability = np.repeat(rng.normal(0.0, case.spread, case.trials), case.rungs)
    flags = 0.8 + ability[:, None] + errors(case, rng) > 0
    truths = stats.norm.cdf(0.8 + ability)
    r = np.tanh(1.0 + ability)
    gold = rng.normal(size=n)
    scores = r[:, None] * gold + np.sqrt(1 - r[:, None] ** 2) * errors(case, rng)
    bags: dict[str, BagScores] = {
        "para": Bags(n, resamples, rng).scores(PARA, [np.stack([~f, f], axis=1) for f in flags], np.ones(n, dtype=int)),
        "sts": Bags(n, resamples, rng).scores(STS, list(scores), gold),
    }
    whole = (bags["para"].whole + (1 + bags["sts"].whole) / 2) / 2
    winner = int(whole.argmax())
    found = replay_selection(bags, winner, SPECS, WEIGHTS).overall
    inside = (bags["para"].inside + (1 + bags["sts"].inside) / 2) / 2
    outside = (bags["para"].outside + (1 + bags["sts"].outside) / 2) / 2
    percentiles = np.quantile(outside[np.arange(resamples), inside.argmax(axis=1)], [0.025, 0.975])
    truth = (truths[winner] + (1 + r[winner]) / 2) / 2
    assert runs == len(whole)
    return Outcome(found.dev, found.expected, found.low, found.high, *map(float, percentiles), float(truth))


def errors(case: Case, rng: np.random.Generator) -> np.ndarray:
    """Draw standard normal errors, (trials * rungs, examples): partly common to all, to the trial, and to the rung."""
    shape = (case.trials, case.rungs, case.examples)
    own = 0.9 * (1 - case.alike)
    mixed = (
        sqrt(case.alike) * rng.normal(size=shape[2])
        + sqrt(own) * rng.normal(size=(shape[0], 1, shape[2]))
        + sqrt(1 - case.alike - own) * rng.normal(size=shape)
    )
    return mixed.reshape(-1, shape[2])
