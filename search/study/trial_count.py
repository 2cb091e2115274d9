"""Count trials: how many a study has if its file does not say, and how many it can have."""

from __future__ import annotations

import math
from collections.abc import Sequence

from search.parsing.errors import StudyFileError
from search.samplers.registry import SamplerChoice
from search.space.space import Space
from search.study.first_trials import FirstTrial
from search.study.spec import StudySpec
from search.study.stop_rules import StopRules

__all__ = ["check_trials", "usual_trials"]

_TRIALS = 20  # of a search that names no end at all


def usual_trials(
    sampler: SamplerChoice, space: Space, first: Sequence[FirstTrial], stop: StopRules, *, is_comparison: bool
) -> int | None:
    """Return the number of trials of a study that gives none; None: as many as ``stop`` allows.

    A comparison has no trials but the ``first``, and a grid ends with its points.
    """
    if is_comparison:
        return len(first)
    if stop.is_empty:
        return _TRIALS
    return _points(space) + min(len(first), 1) if sampler.name == "grid" else None


def check_trials(spec: StudySpec, *, is_comparison: bool) -> None:
    """Refuse trials that would repeat others.

    Raises:
        StudyFileError: under ``trials``, if a grid or a comparison has fewer; under ``stop``, for a rule that a
            comparison cannot have.
    """
    if is_comparison and spec.stop.gain is not None:
        raise StudyFileError(
            ("stop", "gain"), "cannot be combined with [variants]: each of them is tried, with every seed"
        )
    if spec.trials is None:
        return
    runs = len(spec.first_trials)
    if is_comparison and spec.trials > runs:
        raise StudyFileError(
            ("trials",), f"there are only {runs} runs to compare; {spec.trials} trials would repeat some"
        )
    # One more: the base itself may be tried first.
    if not is_comparison and spec.sampler.name == "grid" and spec.trials > (points := _points(spec.space)) + 1:
        raise StudyFileError(("trials",), f"the grid has only {points} points; {spec.trials} trials would repeat some")


def _points(space: Space) -> int:
    return math.prod(len(values) for values in space.grid().values())
