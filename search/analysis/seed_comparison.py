"""Compare a study's configurations over several seeds, one row per configuration, with intervals."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from core.config import RunConfig
from core.statistics import ScoreIntervals
from data.errors import UserError
from search.analysis.dev_bootstrap import score_replicates
from search.recorded.space import searched_settings, stored_space
from search.space.space import Space
from search.space.variants import VARIANT
from search.trials.folders import TrialFolders
from search.trials.record import ROLE, FinishedTrial, TrialRecord

__all__ = ["Comparison", "ComparisonRow", "Configuration", "StudyOfSeeds", "compare_over_seeds"]


_SEED = "seed"
_STATES = {TrialState.PRUNED: "pruned", TrialState.FAIL: "failed", TrialState.RUNNING: "running"}


@dataclass(frozen=True)
class Configuration:
    """Finished trials of the same settings.

    Attributes:
        settings: the searched ones but the seed, as people read them.
        records: one for each seed, by number.
        repeats: numbers of trials that repeat one of these seeds. Runs are deterministic: such a trial says nothing
            new, and as a replicate it would make the spread over seeds look small.
    """

    settings: dict[str, object]
    records: tuple[FinishedTrial, ...]
    repeats: tuple[int, ...]

    @classmethod
    def of(cls, settings: dict[str, object], records: Sequence[FinishedTrial]) -> Configuration:
        """Make a configuration from its trials, by number, including repeated ones."""
        by_seed: dict[int, FinishedTrial] = {}
        for record in records:
            by_seed.setdefault(record.config.seed, record)
        kept = tuple(by_seed.values())
        return cls(settings, kept, tuple(record.number for record in records if record not in kept))

    @property
    def trials(self) -> tuple[int, ...]:
        """Numbers of the trials that count."""
        return tuple(record.number for record in self.records)


@dataclass(frozen=True)
class StudyOfSeeds:
    """A study that compares: it has variants, or searches the seed, alone or together with other settings.

    Attributes:
        configurations: those with a finished trial, in the order of their first one.
        default: which of them is the study's default configuration; None if it is not among them.
        unfinished: numbers of the trials that did not finish, by what became of them: pruned, failed or running.
    """

    configurations: tuple[Configuration, ...]
    default: int | None
    unfinished: dict[str, tuple[int, ...]]

    @classmethod
    def read(cls, study: optuna.Study) -> StudyOfSeeds | None:
        """Read a study; None if it has neither variants nor seeds, or no finished trial."""
        trials = study.get_trials(deepcopy=False)
        complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
        if not complete or not {_SEED, VARIANT} & set(searched_settings(study)):
            return None
        finished = [FinishedTrial.read(trial) for trial in complete]
        space = stored_space(study, finished[0].config)
        groups: dict[str, list[FinishedTrial]] = {}
        for record in finished:
            groups.setdefault(json.dumps(_settings(record.config, space)), []).append(record)
        default = {json.dumps(_settings(config, space)) for config in _default_configs(trials)}
        unfinished = {
            word: tuple(trial.number for trial in trials if trial.state == state) for state, word in _STATES.items()
        }
        return cls(
            tuple(Configuration.of(_settings(group[0].config, space), group) for group in groups.values()),
            next((index for index, key in enumerate(groups) if key in default), None),
            {word: numbers for word, numbers in unfinished.items() if numbers},
        )


def _settings(config: RunConfig, space: Space) -> dict[str, object]:
    return {path: value for path, value in space.chosen(config).items() if path != _SEED}


def _default_configs(trials: Sequence[FrozenTrial]) -> list[RunConfig]:
    """Return the default configuration, however its own trial ended: other seeds of it may have finished."""
    records = (TrialRecord.read(trial) for trial in trials if trial.user_attrs.get(ROLE) == "default")
    return [record.config for record in records if record.config is not None]


@dataclass(frozen=True)
class ComparisonRow:
    """A configuration, over its finished trials, one for each seed.

    Attributes:
        settings: the searched ones but the seed.
        trials: their numbers.
        scores: each task's own metric, mean.
        overall: mean, 0 to 1.
        half_width: of the 95 % interval of ``overall``; None where nothing is known of chance.
        difference: of ``overall`` to the reference's; None for the reference itself.
        difference_half_width: of its 95 % interval, paired by dev examples.
        is_apart: whether its runs differ so much among themselves that their spread is not pooled with the others'.
        seconds: of training and evaluation, mean.
        examples_per_second: training speed, mean over the trials of the median over rungs; None if it is not recorded,
            as what follows.
        trainable_share: of the parameters, 0 to 1.
        peak_memory_mib: the largest, MiB.
        trainable_parameters: number of those that training changes; None if it is not recorded.
        examples: of training, mean.
    """

    settings: dict[str, object]
    trials: tuple[int, ...]
    scores: dict[str, float]
    overall: float
    half_width: float | None
    difference: float | None
    difference_half_width: float | None
    is_apart: bool
    seconds: float
    examples_per_second: float | None
    trainable_share: float | None
    peak_memory_mib: float | None
    trainable_parameters: int | None = None
    examples: float | None = None


@dataclass(frozen=True)
class Comparison:
    """The rows, the best first, and what to know about them.

    Attributes:
        rows: one a configuration.
        reference: which row the differences are to.
        seeds_known: whether the spread over seeds is in the intervals; not if every configuration has one.
        examples_unknown: why the dev examples are not in the intervals; empty if they are.
        unfinished: trials that are in no row, by what became of them: pruned, failed or running.
        repeats: trials that are in no row because they are the same as another one, settings and seed.
    """

    rows: tuple[ComparisonRow, ...]
    reference: int
    seeds_known: bool
    examples_unknown: str
    unfinished: dict[str, tuple[int, ...]]
    repeats: tuple[int, ...]


def compare_over_seeds(
    study: optuna.Study, folders: TrialFolders, directory: Path | None = None, reference: int | None = None
) -> Comparison | None:
    """Return means over seeds with :class:`~core.statistics.ScoreIntervals`; None if the study searches no seed.

    Every trial counts with the checkpoint that it kept, that of its best rung on dev. That this choice was by the same
    dev examples is not in the intervals.

    Args:
        reference: a finished trial of the configuration to compare with; None: the study's default configuration if it
            is in the study, else that of the first trial.

    Raises:
        UserError: if ``reference`` is no finished trial.
    """
    seeds = StudyOfSeeds.read(study)
    if seeds is None:
        return None
    configurations = seeds.configurations
    base = _reference(seeds, reference)
    replicates, examples_unknown = _replicates(configurations, folders, directory)
    scores = [np.array([record.result.overall for record in one.records]) for one in configurations]
    intervals = ScoreIntervals(scores, replicates)
    rows = [_row(one, base, index, scores, intervals, folders) for index, one in enumerate(configurations)]
    order = sorted(range(len(rows)), key=lambda index: -rows[index].overall)
    return Comparison(
        rows=tuple(rows[index] for index in order),
        reference=order.index(base),
        seeds_known=intervals.seeds_known,
        examples_unknown=examples_unknown,
        unfinished=seeds.unfinished,
        repeats=tuple(sorted(trial for one in configurations for trial in one.repeats)),
    )


def _reference(seeds: StudyOfSeeds, trial: int | None) -> int:
    if trial is None:
        return seeds.default or 0
    for index, one in enumerate(seeds.configurations):
        if trial in (*one.trials, *one.repeats):
            return index
    first = ", ".join(str(one.trials[0]) for one in seeds.configurations)
    raise UserError(f"--reference {trial}: no finished trial; the first ones of the configurations are {first}")


def _replicates(
    configurations: Sequence[Configuration], folders: TrialFolders, directory: Path | None
) -> tuple[list[np.ndarray] | None, str]:
    """Return the replicates of each configuration, (replicates, seeds); or None and the reason."""
    records = [record for one in configurations for record in one.records]
    config = max(records, key=lambda record: record.number).config_with_data(directory)
    try:
        together = score_replicates(records, folders, config)["overall"]
    except UserError as error:
        return None, str(error)
    ends = np.cumsum([len(one.records) for one in configurations])
    return np.split(together, ends[:-1], axis=1), ""


def _row(
    one: Configuration,
    base: int,
    index: int,
    scores: Sequence[np.ndarray],
    intervals: ScoreIntervals,
    folders: TrialFolders,
) -> ComparisonRow:
    results = [record.result for record in one.records]
    means, is_other = [float(group.mean()) for group in scores], index != base
    costs = [result.cost for result in results if result.cost is not None]
    curves = [folders.run(record.number).read_metrics() for record in one.records]
    speeds = [median(point.examples_per_second for point in curve) for curve in curves if curve]
    return ComparisonRow(
        settings=one.settings,
        trials=one.trials,
        scores={task: fmean(result.scores[task] for result in results) for task in results[0].scores},
        overall=means[index],
        half_width=intervals.half_width(index),
        difference=means[index] - means[base] if is_other else None,
        difference_half_width=intervals.difference_half_width(index, base) if is_other else None,
        is_apart=index in intervals.apart,
        seconds=fmean(result.seconds for result in results),
        examples_per_second=fmean(speeds) if speeds else None,
        trainable_share=costs[0].trainable_share if costs else None,
        peak_memory_mib=max((cost.peak_memory_mib for cost in costs), default=None),
        trainable_parameters=costs[0].trainable_parameters if costs else None,
        examples=fmean(result.examples for result in results),
    )
