"""Describe the errors in a run's predictions in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from core.statistics import Calibration, Interval
from search.analysis.mistakes.figures import range_text
from search.analysis.mistakes.hardest import FEWEST_RUNS, Hardness
from search.analysis.mistakes.quantile_slices import Property, Quarter, difference

__all__ = ["calibration_text", "label_doubt_sentence", "quarters_sentence"]


def calibration_text(found: Calibration) -> str:
    """Say whether a run is over- or underconfident, by how much, and which temperature would correct it."""
    error = found.error
    ece = (
        f"ECE {error.value:.3f} [{error.low:.3f}, {error.high:.3f}] over {len(found.bins)} bins of about equal size; "
        f"perfect probabilities would give {found.chance:.3f} by chance"
    )
    tempered = (
        f"Temperature {found.temperature:.2f} fits best (by likelihood on these same dev examples) and leaves an ECE "
        f"of {found.error_tempered:.3f}"
    )
    return f"{_verdict(found.gap)}. {ece}. {tempered}."


def quarters_sentence(parts: Sequence[Quarter], by: Property, *, is_rate: bool) -> str:
    """Compare the errors in the last quarter of the examples with those in the first.

    Args:
        parts: at least two quarters, by rising value of the property.
        by: the property.
        is_rate: whether errors are wrong classes instead of distances.
    """
    first, last = parts[0], parts[-1]
    gap = difference(last, first)
    scale, digits, unit = (100.0, 0, " %") if is_rate else (1.0, 2, "")
    more, less = (f"{scale * one.error.value:.{digits}f}{unit}" for one in (last, first))
    interval = f"{scale * gap.low:+.{digits}f} to {scale * gap.high:+.{digits}f}{' points' if is_rate else ''}"
    verdict = "this may be chance" if gap.holds_zero else f"clearly {'more' if gap.value > 0 else 'less'}"
    what = "Error rate" if is_rate else "Mean distance from the line"
    most, least = f"the {by.most} ({range_text(last)} {by.unit})", f"the {by.least} ({range_text(first)})"
    return f"{what}: {more} for {most}, {less} for {least}; {verdict} (95 % interval of the difference {interval})."


def label_doubt_sentence(found: Hardness, name: str, *, is_score: bool) -> str:
    """Say how many labels may be wrong; empty if there are too few runs to tell."""
    if len(found.wrong) < FEWEST_RUNS:
        return ""
    total, by_all, doubtful = found.wrong.shape[1], int(found.wrong.all(axis=0).sum()), int(found.doubtful.sum())
    if is_score:
        begin = f"{by_all} of {total} examples are far from the line (twice the root mean square) for all of {name}"
        why = "on the same side"
    else:
        begin = f"{by_all} of {total} examples are wrong for all of {name}"
        why = "with the same class, given at least five times the probability of the label"
    if not by_all:
        return f"{begin}."
    if not doubtful:
        return f"{begin}; none so clearly that its label is in doubt."
    return (
        f"{begin}, {doubtful} of them {why}. These labels are worth checking, although the models may be wrong instead."
    )


def _verdict(gap: Interval) -> str:
    if gap.holds_zero:
        return f"Confidence matches accuracy on average: difference {gap.value:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]"
    over = gap.value > 0
    low, high = sorted((abs(gap.low), abs(gap.high)))
    size = f"{abs(gap.value):.3f} [{low:.3f}, {high:.3f}]"
    return (
        f"The model is {'over' if over else 'under'}confident: its mean probability of the predicted class is {size} "
        f"{'above' if over else 'below'} its accuracy"
    )
