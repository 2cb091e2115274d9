"""What the best trial of a study will score on new data: its selection, made anew in resamples of the dev examples."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from core.config import DataConfig, RunConfig
from core.dev_gold import dev_gold
from core.metrics import LEAST_EXAMPLES, Bags, Expectation, Expectations, replay_selection
from data.errors import UserError
from data.gold import Labels
from data.tasks import TaskSpec
from search.checkpoints import Checkpoint, score_bags, stored_checkpoints
from search.finished_study import best_trial, pick_trial, ranked_trials
from search.trial_folders import TrialFolders
from search.trial_record import TrialRecord

__all__ = ["Estimate", "bags_of", "estimate", "estimate_best", "estimate_trial", "gold_of", "resamples_for"]

RESAMPLES, FEWEST_RESAMPLES = 1000, 100
MOST_CHECKPOINTS = 1500
_WORK = 4e9  # values summed, about eight seconds of one core
_SEED = 0


@dataclass(frozen=True)
class Estimate:
    """What to expect of a trial that was selected by its overall score on dev.

    Attributes:
        trial: its number.
        scores: overall and of each task.
        trials: how many it was selected from, itself counted in.
        checkpoints: how many rungs these have together.
        resamples: in how many the selection was made anew.
        gone: numbers of trials that it was selected from as well, but whose predictions are no longer there.
    """

    trial: int
    scores: Expectations
    trials: int
    checkpoints: int
    resamples: int
    gone: tuple[int, ...] = ()

    @property
    def rows(self) -> dict[str, Expectation]:
        """``overall``, then each task."""
        return {"overall": self.scores.overall, **self.scores.tasks}

    def to_dict(self) -> dict[str, Any]:
        """For a JSON file."""
        return {name: asdict(one) for name, one in self.rows.items()} | {
            "selected_from": {"trials": self.trials, "checkpoints": self.checkpoints},
            "resamples": self.resamples,
        }


def estimate_best(
    study: optuna.Study, folders: TrialFolders, directory: Path | None = None
) -> tuple[Estimate | None, str]:
    """What to expect of the study's best trial; or None, and why: empty where no trial has finished.

    Args:
        study: the recorded study.
        folders: where its trials left their predictions.
        directory: where the tasks' files are now; None: where the best trial had them.
    """
    best = best_trial(study)
    if best is None:
        return None, ""
    try:
        return estimate(TrialRecord.read(best), [one.number for one in ranked_trials(study)], folders, directory), ""
    except UserError as error:
        return None, str(error)


def estimate_trial(
    study: optuna.Study, number: int, folders: TrialFolders, directory: Path | None = None
) -> tuple[Estimate | None, str]:
    """As :func:`estimate_best` of any finished trial.

    One that is not the best was named by the user, for reasons that no resample knows: only its checkpoint was chosen
    by its scores.
    """
    best = best_trial(study)
    if best is not None and best.number == number:
        return estimate_best(study, folders, directory)
    try:
        return estimate(TrialRecord.read(pick_trial(study, number)), [number], folders, directory), ""
    except UserError as error:
        return None, str(error)


def estimate(
    winner: TrialRecord, candidates: Iterable[int], folders: TrialFolders, directory: Path | None = None
) -> Estimate:
    """What to expect of a trial at its best rung.

    In every resample the best rung of every candidate is chosen, and the best of them. What is not made anew: which
    trials were proposed, and which were pruned.

    Args:
        winner: the trial with the highest overall score of all candidates, one of them.
        candidates: numbers of all trials that would have been the winner with a higher score.
        folders: where they left their predictions.
        directory: where the tasks' files are now; None: where the winner had them.

    Raises:
        UserError: if the winner's predictions or the dev files are gone, are not those of the recorded scores, or
            there are too few dev examples.
    """
    config = winner.config
    assert config is not None, "a finished trial has its configuration"
    if directory is not None:
        config = config.model_copy(update={"data": DataConfig(directory=str(directory))})
    specs = {name: config.tasks[name].spec for name in winner.result.scores}  # in the study's order
    found, gone = stored_checkpoints(sorted(candidates), folders, specs)
    if winner.number in gone:
        raise UserError(f"trial {winner.number}'s dev predictions are gone (--runs-dir says where to look)")
    checkpoints = _most_likely(found)
    at = _place(winner, checkpoints)
    gold = gold_of(config)
    resamples = resamples_for(specs, gold, len(checkpoints))
    bags = {
        name: score_bags(checkpoints, spec, gold[name], bags_of(name, gold[name], resamples))
        for name, spec in specs.items()
    }
    weights = {name: task.score_weight for name, task in config.tasks.items()}
    expectations = replay_selection(bags, at, specs, weights)
    trials = len({one.trial for one in found})
    return Estimate(winner.number, expectations, trials, len(found), resamples, gone)


def gold_of(config: RunConfig) -> dict[str, Labels]:
    """The labels that trials are scored by on dev, per task.

    Raises:
        UserError: if a file is gone, or has too few examples.
    """
    found = {}
    for name in config.tasks:
        try:
            found[name] = dev_gold(config, name)
        except UserError as error:
            raise UserError(f"{error} (--data says where the files are now)") from error
        if len(found[name]) < LEAST_EXAMPLES:
            raise UserError(
                f"trials are scored on {len(found[name])} dev examples of {name}, and it takes {LEAST_EXAMPLES} to say"
            )
    return found


def bags_of(task: str, gold: Labels, resamples: int) -> Bags:
    """Always the same ones; those of a task do not depend on which other tasks there are."""
    return Bags(len(gold), resamples, np.random.default_rng([_SEED, zlib.crc32(task.encode())]))


def resamples_for(specs: Mapping[str, TaskSpec], gold: Mapping[str, Labels], runs: int) -> int:
    """1,000, or fewer where this would take long, but at least 100."""
    per_resample = sum(runs * len(gold[name]) * _sums(spec) for name, spec in specs.items())
    return int(min(RESAMPLES, max(FEWEST_RESAMPLES, _WORK // per_resample)))


def _sums(spec: TaskSpec) -> int:
    """How long a metric takes, in units of one sum over the examples."""
    # Ranks have to be found anew in every resample.
    return {"accuracy": 1, "f1": 2 * len(spec.classes), "pearson": 3, "spearman": 100}[spec.metric]


def _place(winner: TrialRecord, checkpoints: Sequence[Checkpoint]) -> int:
    for place, one in enumerate(checkpoints):
        if (one.trial, one.evaluation.rung) == (winner.number, winner.result.best_rung):
            return place
    raise UserError(f"trial {winner.number} no longer has its best rung, {winner.result.best_rung}, in metrics.jsonl")


def _most_likely(checkpoints: Sequence[Checkpoint]) -> list[Checkpoint]:
    """The best on dev, where there are very many: others are hardly ever selected in a resample. In their order."""
    by_score = sorted(range(len(checkpoints)), key=lambda index: -checkpoints[index].evaluation.overall)
    return [checkpoints[index] for index in sorted(by_score[:MOST_CHECKPOINTS])]
