"""The outcome of an ablation: each row's scores over its seeds, and the winner's gain from each technique."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median, stdev

import numpy as np
import optuna

from core.config import RunConfig
from core.statistics import ScoreIntervals
from search.ablate.ablations import Ablation
from search.ablate.plan import ORIGIN, WINNER, AblationPlan
from search.analysis.seed_intervals import OVERALL, Difference, gain_in, score_intervals, score_values
from search.finalists.replication import trained_runs
from search.storage.damage import reading_record
from search.trials.folders import TrialFolders
from search.trials.record import FinishedTrial

__all__ = ["OVERALL", "AblationOutcome", "RowOutcome", "Scores", "read_ablation"]

_CHEAPER = 0.9


@dataclass(frozen=True)
class Scores:
    """A row's runs.

    Attributes:
        trials: their numbers, one for each seed.
        means: over the seeds, by task and ``overall``.
        spreads: sample standard deviations; empty with one seed.
        seconds: of training and evaluation, by run.
        examples_per_second: of training, mean over the runs of the median over rungs; None if no run recorded it.
    """

    trials: tuple[int, ...]
    means: Mapping[str, float]
    spreads: Mapping[str, float]
    seconds: tuple[float, ...]
    examples_per_second: float | None


@dataclass(frozen=True)
class RowOutcome:
    """A technique.

    Attributes:
        ablation: what was taken out.
        scores: of the runs without it; None if none has finished.
        gains: what it brings, the winner's mean minus the row's, by task and ``overall``; empty without scores.
        time: mean seconds of a run without it, as a multiple of the winner's; None without scores.
        is_cheaper: whether its slowest run took clearly less time than the winner's fastest; what else the machine did
            shows in times too.
    """

    ablation: Ablation
    scores: Scores | None
    gains: Mapping[str, Difference]
    time: float | None
    is_cheaper: bool


@dataclass(frozen=True)
class AblationOutcome:
    """All rows, the largest gain first, and what to know about them.

    Attributes:
        plan: what was to be trained.
        winner: the winner's own runs.
        rows: those with finished runs before those without.
        apart: by run, the scores in which its spread over seeds is not pooled with the others', being so much larger.
        seeds_known: whether the spread over seeds is in the intervals.
        examples_unknown: why the dev examples are not in the intervals; empty if they are.
        missing: runs that have not finished, of all rows together.
    """

    plan: AblationPlan
    winner: Scores
    rows: tuple[RowOutcome, ...]
    apart: Mapping[str, tuple[str, ...]]
    seeds_known: bool
    examples_unknown: str
    missing: int

    @property
    def tasks(self) -> list[str]:
        """Names of the tasks, in the order of the run."""
        return list(self.plan.config.tasks)


def read_ablation(study: optuna.Study, folders: TrialFolders, data: Path | None = None) -> AblationOutcome | None:
    """Read the outcome so far from the storage and the trials' folders.

    Returns:
        None if it is no ablation, or no run of the winner has finished.
    """
    if ORIGIN not in study.user_attrs:
        return None
    with reading_record(f"the plan of study '{study.study_name}'"):
        plan = AblationPlan.from_json(study.user_attrs[ORIGIN])
    runs = trained_runs(study, plan.seeds, plan.configs)
    if not runs[WINNER]:
        return None
    trained = {name: records for name, records in runs.items() if records}
    config = runs[WINNER][-1].config_with_data(data)  # where it was trained, the data may have moved since the search
    intervals, examples_unknown = score_intervals(trained, folders, config)
    place = {name: index for index, name in enumerate(trained)}
    scores = {name: _scores(records, folders) for name, records in trained.items()}
    rows = [_row(row, scores, place, intervals, config) for row in plan.rows]
    rows.sort(key=lambda row: -row.gains[OVERALL].value if row.gains else np.inf)
    return AblationOutcome(
        plan=plan,
        winner=scores[WINNER],
        rows=tuple(rows),
        apart={
            run: tuple(name for name, one in intervals.items() if index in one.apart) for run, index in place.items()
        },
        seeds_known=intervals[OVERALL].seeds_known,
        examples_unknown=examples_unknown,
        missing=len(plan.configs) * len(plan.seeds) - sum(map(len, runs.values())),
    )


def _row(
    row: Ablation,
    scores: Mapping[str, Scores],
    place: Mapping[str, int],
    intervals: Mapping[str, ScoreIntervals],
    config: RunConfig,
) -> RowOutcome:
    own, winner = scores.get(row.row), scores[WINNER]
    if own is None:
        return RowOutcome(row, None, {}, None, is_cheaper=False)
    gains = {
        name: Difference(
            gain_in(name, winner.means[name], mean, config),
            intervals[name].difference_half_width(place[WINNER], place[row.row]),
        )
        for name, mean in own.means.items()
    }
    time = fmean(own.seconds) / fmean(winner.seconds)
    return RowOutcome(row, own, gains, time, is_cheaper=max(own.seconds) < _CHEAPER * min(winner.seconds))


def _scores(records: Sequence[FinishedTrial], folders: TrialFolders) -> Scores:
    values = {name: score_values(records, name) for name in (*records[0].result.scores, OVERALL)}
    curves = [folders.curve(record.number) for record in records]
    speeds = [median(point.examples_per_second for point in curve) for curve in curves if curve]
    return Scores(
        trials=tuple(record.number for record in records),
        means={name: fmean(found) for name, found in values.items()},
        spreads={name: stdev(found) for name, found in values.items()} if len(records) > 1 else {},
        seconds=tuple(record.result.seconds for record in records),
        examples_per_second=fmean(speeds) if speeds else None,
    )
