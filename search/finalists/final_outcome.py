"""The outcome of a final: means over seeds, differences with intervals, the winner and its expected score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.storages import BaseStorage
from optuna.trial import TrialState

from core.statistics import Expectations, replay_mean_selection
from data.errors import UserError
from search.analysis.checkpoints import ScoredCheckpoints, stored_checkpoints
from search.analysis.seed_intervals import OVERALL
from search.finalists.finalist import Finalist, measure
from search.finalists.finalists_request import ORIGIN, SUFFIX
from search.finalists.replication import Runs, trained_runs
from search.finalists.selection import DROPPED, below_floors
from search.recorded.ranking import recorded_choice
from search.recorded.study_folder import open_folders
from search.space.variants import VARIANT
from search.trials.floors import missed_words
from search.trials.folders import TrialFolders
from search.trials.record import FinishedTrial

__all__ = ["OVERALL", "FinalOutcome", "final_sentences", "finalists_study", "measure_final", "read_final"]


@dataclass(frozen=True)
class FinalOutcome:
    """What is known once all finalists are trained.

    Attributes:
        study: name of the finalists' study.
        of: name of the study that the finalists come from.
        seeds: seeds of a configuration that was not dropped.
        finalists: the winner first, then by mean score.
        contenders: names of the configurations that could win.
        failed: number of failed runs by configuration; configurations without failures are left out.
        barred: by name, why others could not win although they were not dropped.
        best_of_study: the trial that would have won without a final.
        expected: mean expected scores of the winner's runs on new data.
        unknown: why there is no such estimate; empty if there is.
        examples_unknown: why the dev examples are not in the intervals; empty if they are.
    """

    study: str
    of: str
    seeds: tuple[int, ...]
    finalists: tuple[Finalist, ...]
    contenders: tuple[str, ...]
    failed: Mapping[str, int]
    barred: Mapping[str, str]
    best_of_study: int
    expected: Expectations | None
    unknown: str
    examples_unknown: str

    @property
    def winner(self) -> Finalist:
        """The contender with the highest mean overall score."""
        return self.finalists[0]

    @property
    def seeds_known(self) -> bool:
        """Whether the spread over seeds is in the intervals."""
        return any(len(one.runs) > 1 for one in self.finalists)

    @property
    def default(self) -> Finalist | None:
        """The default configuration."""
        return next((one for one in self.finalists if one.is_default), None)

    @property
    def preset(self) -> Finalist | None:
        """The best preset."""
        return max((one for one in self.finalists if one.preset), key=lambda one: one.means[OVERALL], default=None)

    @property
    def preset_name(self) -> str:
        """``preset NAME``; empty without a preset."""
        return f"preset {self.preset.preset}" if self.preset else ""

    @property
    def saved(self) -> int:
        """Number of runs that were not trained because their configuration was clearly behind."""
        dropped = [one for one in self.finalists if one.dropped]
        return sum(len(self.seeds) - len(one.runs) - self.failed.get(one.name, 0) for one in dropped)


def finalists_study(name: str, storage: BaseStorage) -> optuna.Study | None:
    """Return the study of the finalists of study ``name`` if it has a winner, else None."""
    sibling = f"{name}-{SUFFIX}"
    if sibling not in optuna.get_all_study_names(storage):
        return None
    study = optuna.load_study(study_name=sibling, storage=storage)
    return study if recorded_choice(study) is not None and ORIGIN in study.user_attrs else None


def read_final(
    study: optuna.Study, storage: BaseStorage | None, folders: TrialFolders, data: Path | None = None
) -> FinalOutcome | None:
    """Read the outcome of a study's finalists; None as long as they have no winner.

    Args:
        study: the study that the finalists come from, not the finalists' own study.
        storage: of both studies; None: do not look for finalists.
        folders: of the study; those of the finalists are next to them.
    """
    found = None if storage is None else finalists_study(study.study_name, storage)
    if found is None:
        return None
    return measure_final(found, open_folders(found, folders.root.parent), data)


def final_sentences(study: optuna.Study, best: int, storage: BaseStorage) -> list[str]:
    """Say whether trial ``best`` of a study also won its final; empty if there is no final with a winner."""
    found = finalists_study(study.study_name, storage)
    if found is None:
        return []
    choice, origin = recorded_choice(found), found.user_attrs[ORIGIN]
    assert choice is not None, "there is a winner"
    winner = next(table for table in origin["candidates"] if table["name"] == choice.winner)
    export = f"--study {found.study_name} exports the best of its runs"
    if winner["trial"] == best:
        return [f"The same configuration won the final over seeds; {export}."]
    name = f"its {winner['name']} configuration" if winner["is_default"] else winner["name"]
    return [f"The final over seeds has another winner, {name}; {export}."]


def measure_final(study: optuna.Study, folders: TrialFolders, data: Path | None = None) -> FinalOutcome:
    """Compute the outcome of a finalists' study whose winner is recorded."""
    choice, origin = recorded_choice(study), study.user_attrs[ORIGIN]
    assert choice is not None, "there is a winner"
    names = [table["name"] for table in origin["candidates"]]
    runs = {name: of for name, of in trained_runs(study, origin["seeds"], names).items() if of}
    failed = study.get_trials(deepcopy=False, states=(TrialState.FAIL,))
    candidates = {table["name"]: table for table in origin["candidates"]}
    rows, examples_unknown = measure(runs, candidates, study.user_attrs.get(DROPPED, {}), folders, data)
    expected, unknown = None, ""
    try:
        expected = _expect_mean({name: runs[name] for name in choice.runs}, choice.winner, folders, data)
    except UserError as error:
        unknown = str(error)
    rows.sort(key=lambda one: (one.name != choice.winner, -one.means[OVERALL]))
    return FinalOutcome(
        study.study_name,
        origin["of"],
        tuple(origin["seeds"]),
        tuple(rows),
        tuple(choice.runs),
        Counter(trial.params[VARIANT] for trial in failed if VARIANT in trial.params),
        _barred(runs, [one.name for one in rows if one.name not in choice.runs and not one.dropped], origin["floors"]),
        origin["best"],
        expected,
        unknown,
        examples_unknown,
    )


def _barred(runs: Runs, names: Sequence[str], floors: Mapping[str, float]) -> dict[str, str]:
    """Say why each of these cannot win."""
    missed = {name: below_floors(runs[name], floors) for name in names}
    words = {
        name: [missed_words(task, mean, floors[task], is_ceiling=mean > floors[task]) for task, mean in of.items()]
        for name, of in missed.items()
    }
    return {name: ", ".join(of) or "others have more runs" for name, of in words.items()}


def _expect_mean(
    runs: Mapping[str, Sequence[FinishedTrial]], winner: str, folders: TrialFolders, directory: Path | None = None
) -> Expectations:
    """Estimate the mean score of the winner's runs, selected for the best mean of all configurations.

    In every resample of the dev examples the best rung of every run is chosen, and the best mean. The choice of
    finalists, and which of them got no further seed, is not repeated.

    Args:
        winner: name of the one that was chosen.

    Raises:
        UserError: the winner's predictions or the dev files are gone or are not those of the recorded scores, or there
            are too few dev examples.
    """
    first = runs[winner][0]
    config = first.config_with_data(directory)
    specs = {name: config.tasks[name].spec for name in first.result.scores}  # in the study's order
    numbers = {name: [record.number for record in of] for name, of in runs.items()}
    checkpoints, gone = stored_checkpoints(sorted(one for of in numbers.values() for one in of), folders, specs)
    if lost := sorted(set(gone) & set(numbers[winner])):
        raise UserError(f"trial {lost[0]}'s dev predictions are gone (--runs-dir says where to look)")
    scored = ScoredCheckpoints.of(checkpoints, config, specs)
    places = scored.configurations(numbers)
    return replay_mean_selection(scored.bags, list(places.values()), list(places).index(winner), specs, scored.weights)
