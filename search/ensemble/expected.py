"""What a selection is expected to score on new data, for its record and in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from data.errors import UserError
from search.analysis.expected_text import unknown_line
from search.ensemble.expected_score import Replay
from search.ensemble.members import Member
from search.ensemble.named_trials import Shares
from search.ensemble.selection import GreedyOptions
from search.ensemble.words import expected_words
from search.trials.folders import TrialFolders

__all__ = ["expected_of_selection"]


def expected_of_selection(
    options: GreedyOptions, trials: Iterable[int], pool: Sequence[Member], folders: TrialFolders, shares: Shares
) -> tuple[dict[str, Any], list[str]]:
    """What to expect of the ensemble, JSON-able, empty where it cannot be said; and lines for people.

    Args:
        options: how it was selected.
        trials: numbers of all that might have been in the pool.
        pool: what it was selected from.
        folders: where they left their predictions.
        shares: of the ensemble.
    """
    try:
        replay = Replay.stored(trials, {one.number for one in pool}, options, pool[0].config, folders)
        found = replay.expect(shares)
    except UserError as error:
        return {}, [unknown_line(str(error))]
    record: dict[str, Any] = {
        "overall": asdict(found.overall),
        **{task: asdict(one) for task, one in found.tasks.items()},
        "selected_from": {"trials": replay.trials},
        "resamples": replay.resamples,
    }
    return record, expected_words(found, replay.trials, replay.resamples)
