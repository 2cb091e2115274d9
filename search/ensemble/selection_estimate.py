"""Estimate what a selected ensemble will score on new data, for its record and in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from data.errors import UserError
from search.analysis.expected_text import expectation_sentence, unknown_sentence
from search.ensemble.members import Member
from search.ensemble.selection import GreedyOptions, Shares
from search.ensemble.selection_replay import SelectionReplay
from search.trials.folders import TrialFolders

__all__ = ["estimate_selection", "selection_sentence"]


def estimate_selection(
    options: GreedyOptions, trials: Iterable[int], pool: Sequence[Member], folders: TrialFolders, shares: Shares
) -> tuple[dict[str, Any], list[str]]:
    """Return what to expect of the ensemble as JSON data, empty if it cannot be estimated, and sentences about it.

    Args:
        trials: numbers of all trials that could have been in the pool.
        pool: what it was selected from.
        shares: of the members of the ensemble.
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
    return record, [
        expectation_sentence(found.overall, f"an ensemble from {replay.trials} trials"),
        f"(The selection was repeated on {replay.resamples} resamples of the dev examples.)",
    ]


def selection_sentence(by_hand: bool, candidates: int, scored: int) -> str:
    """Say how the members were selected and how optimistic the ensemble's dev score is.

    Args:
        by_hand: whether the user named the members.
        candidates: how many trials the members were selected from if the user did not.
        scored: how many trials of the study have dev scores.
    """
    if by_hand:
        return (
            f"Members were named by hand ({scored} trials have dev scores). If they were chosen by dev score, the "
            "ensemble's dev score is optimistic."
        )
    return (
        f"Members were selected from {candidates} of {scored} scored trials on these dev examples, so the dev score is "
        "optimistic."
    )
