"""Estimate what the winner among the finalists will score on new data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from core.statistics import Expectations, replay_mean_selection
from data.errors import UserError
from search.analysis.checkpoints import stored_checkpoints
from search.analysis.dev_resamples import ScoredCheckpoints
from search.trials.folders import TrialFolders
from search.trials.record import FinishedTrial

__all__ = ["expect_mean"]


def expect_mean(
    runs: Mapping[str, Sequence[FinishedTrial]], winner: str, folders: TrialFolders, directory: Path | None = None
) -> Expectations:
    """Estimate the mean score of the winner's runs, selected for the best mean of all configurations.

    In every resample of the dev examples the best rung of every run is chosen, and the best mean. What is not made
    anew: which configurations came into the final, and which of them got no further seed.

    Args:
        runs: finished runs of each configuration.
        winner: name of the one that was chosen.
        folders: where they left their predictions.
        directory: where the tasks' files are now; None: where the winner had them.

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
