"""What a selection is expected to score on new data, for its record and in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from core.statistics import Expectations
from data.errors import UserError
from search.analysis.expected_text import expectation_sentence, unknown_sentence
from search.ensemble.members import Member
from search.ensemble.named_trials import Shares
from search.ensemble.selection import GreedyOptions
from search.ensemble.selection_replay import SelectionReplay
from search.trials.folders import TrialFolders

__all__ = ["estimate_selection", "expected_sentences", "selection_sentence"]


def estimate_selection(
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
        replay = SelectionReplay.stored(trials, {one.number for one in pool}, options, pool[0].config, folders)
        found = replay.expect(shares)
    except UserError as error:
        return {}, [unknown_sentence(str(error))]
    record: dict[str, Any] = {
        "overall": asdict(found.overall),
        **{task: asdict(one) for task, one in found.tasks.items()},
        "selected_from": {"trials": replay.trials},
        "resamples": replay.resamples,
    }
    return record, expected_sentences(found, replay.trials, replay.resamples)


def selection_sentence(by_hand: bool, candidates: int, scored: int) -> str:
    """How far the ensemble's dev score can be believed.

    Args:
        by_hand: whether the members were named.
        candidates: how many trials members were chosen from where they were not.
        scored: how many trials of the study have dev scores.
    """
    if by_hand:
        return f"named by hand, of {scored} scored trials: if dev scores decided, the ensemble's is optimistic"
    return (
        f"selected on these dev examples from {candidates} of {scored} scored trials: "
        "a score on what was selected on is optimistic"
    )


def expected_sentences(expected: Expectations, trials: int, resamples: int) -> list[str]:
    """What a selected ensemble will score on new data.

    Args:
        expected: the estimate.
        trials: how many could have been selected.
        resamples: in how many the selection was made anew.
    """
    return [
        expectation_sentence(expected.overall, f"what was selected from {trials} trials"),
        f"(the selection was made anew on {resamples} resamples of the dev examples)",
    ]
