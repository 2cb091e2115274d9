"""The section on the search's progress."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import optuna
import pandas as pd

from core.run.evaluation import Evaluation
from core.statistics import BagScores, Expectation, replay_selection
from data.errors import UserError
from data.tasks import TaskSpec
from search.analysis.checkpoints import bags_of, folds_of, gold_of, score_bags, stored_checkpoints
from search.analysis.expected_score import MOST_CHECKPOINTS
from search.analysis.train_dev_curves import train_score
from search.recorded.ranking import rank, ranked_trials
from search.recorded.trial_columns import SCORE
from search.report.context import ReportContext
from search.report.parts import Chart, Fold, Note, ReportSection
from search.report.trial_figures import curves_figure, progress_figure
from search.trials.folders import TrialFolders
from search.trials.record import REPEAT_OF, FinishedTrial

__all__ = ["expected_progress", "progress_section"]

_RESAMPLES = 200  # a line to look at; the answer's estimate takes more
_POINTS = 20  # of that line, besides new best trials


def progress_section(context: ReportContext) -> ReportSection:
    """Make the section: the best score over cost; folded, the learning curves of all trials."""
    table = context.table
    curves = {
        number: curve for number, curve in context.curves.items() if curve and context.records[number].repeat_of is None
    }
    tasks = [name.removeprefix(SCORE) for name in table.columns if name.startswith(SCORE)]
    best = None if context.best is None else context.best.number
    default = None if context.default is None else context.default.number
    trained = table[table[REPEAT_OF].isna()]
    of_tasks = (Chart(curves_figure(curves, context.states, task, best), task) for task in tasks)
    note = (
        "The best score so far is measured on dev and therefore optimistic, increasingly so with more trials; the "
        "score expected on new data is lower. Pruned trials are shown at their best rung. Click a point to open its "
        "trial."
    )
    if context.is_over_folds:
        note += (
            " Scores are means over the folds that are trained so far, so a curve falls where the model of another "
            "fold begins; only its end, over all folds, decides."
        )
    elif (early := min((point.dev_share for curve in curves.values() for point in curve), default=1.0)) < 1.0:
        note += (
            f" All rungs but the last scored {early:.3g} of the dev examples (eval.early_share): scores there, and "
            "those of pruned trials, vary more."
        )
    expected = expected_progress(context.study, context.folders, context.data)
    parts = (
        Note(note),
        Chart(progress_figure(trained, "examples", default, expected), "Over training examples"),
        Chart(progress_figure(trained, "hours", default, expected), "Over hours"),
        Fold("Learning curves", (Chart(curves_figure(curves, context.states, None, best), "overall"), *of_tasks)),
    )
    return ReportSection("progress", "Progress over cost", parts, {"curves.csv": _frame(context)})


def expected_progress(
    study: optuna.Study, folders: TrialFolders, directory: Path | None = None
) -> dict[int, Expectation]:
    """Return expected scores by the trial that had just finished; empty if predictions or dev files are missing.

    The estimate is that of :func:`search.analysis.expected_score.estimate` from the trials that had finished by then,
    at 20 points over the search and wherever there was a new best trial. Trials are taken in the order of their
    numbers. Trials other than the best whose predictions are missing do not count.

    Args:
        folders: where its trials left their predictions.
        directory: where the tasks' files are now; None: where the last trial had them.
    """
    contenders = sorted(ranked_trials(study), key=lambda trial: trial.number)
    if len(contenders) < 2:
        return {}
    config = FinishedTrial.read(contenders[-1]).config_with_data(directory)
    specs = {name: task.spec for name, task in config.tasks.items()}
    weights = {name: task.score_weight for name, task in config.tasks.items()}
    checkpoints, gone = stored_checkpoints([trial.number for trial in contenders], folders, specs)
    if min(contenders, key=rank).number in gone:
        return {}
    if len(checkpoints) > MOST_CHECKPOINTS:  # others are hardly ever selected in a resample
        least = sorted((one.evaluation.overall for one in checkpoints), reverse=True)[MOST_CHECKPOINTS - 1]
        checkpoints = [one for one in checkpoints if one.evaluation.overall >= least]
    try:
        gold, folds = gold_of(config), folds_of(config)
        bags = {
            name: score_bags(checkpoints, spec, gold[name], bags_of(name, gold[name], _RESAMPLES, folds[name]))
            for name, spec in specs.items()
        }
    except UserError:  # the answer says why
        return {}
    trials = np.array([one.trial for one in checkpoints])
    overall = np.array([one.evaluation.overall for one in checkpoints])
    found = {}
    for last in _points(trials, overall):
        until = int((trials <= last).sum())
        so_far = {
            name: BagScores(one.whole[:until], one.inside[:, :until], one.outside[:, :until])
            for name, one in bags.items()
        }
        found[last] = replay_selection(so_far, int(overall[:until].argmax()), specs, weights).overall
    return found


def _points(trials: np.ndarray, overall: np.ndarray) -> list[int]:
    """Return trial numbers in rising order: new best scores, the trials just before them, and some in between."""
    best = np.maximum.accumulate(overall)
    at = np.flatnonzero(np.diff(best, prepend=-np.inf) > 0)
    records = trials[np.concatenate([at, np.maximum(at - 1, 0)])]
    between = trials[np.linspace(0, len(trials) - 1, min(_POINTS, len(trials))).round().astype(int)]
    return sorted({*records.tolist(), *between.tolist()})


def _frame(context: ReportContext) -> pd.DataFrame:
    """Return a row for each rung of each trial; passes are those of the best trial."""
    config = next((one.config for one in context.records.values() if one.config is not None), None)
    specs = [] if config is None else [task.spec for task in config.tasks.values()]
    is_other = context.best is None or context.outcome is not None or context.best.config.models > 1
    best = None if is_other or context.best is None else context.best.number  # passes are counted of one model
    passes = {best: context.passes[0] or {}}
    return pd.DataFrame(
        [
            {
                "trial": number,
                **_scores(point, specs),
                **{f"passes {task}": count for task, count in passes.get(number, {}).get(point.rung, {}).items()},
            }
            for number, curve in context.curves.items()
            for point in curve
        ]
    )


def _scores(point: Evaluation, specs: Iterable[TaskSpec]) -> dict[str, float]:
    train = {f"train_score {spec.name}": train_score(point, spec) for spec in specs}
    return {
        "rung": point.rung,
        "examples": point.examples,
        "seconds": point.seconds,
        "overall": point.overall,
        "dev_share": point.dev_share,
        **{SCORE + task: score for task, score in point.scores.items()},
        **{f"train_loss {task}": loss for task, loss in point.train_loss.items()},
        **{name: score for name, score in train.items() if score is not None},
    }
