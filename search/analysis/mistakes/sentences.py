"""What is wrong with a run's predictions, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from core.statistics import Calibration, Interval
from search.analysis.mistakes.figures import range_text
from search.analysis.mistakes.hardest import FEWEST_RUNS, Hardness
from search.analysis.mistakes.quantile_slices import Property, Quarter, difference

__all__ = ["calibration_text", "label_doubt_sentence", "quarters_sentence"]


def calibration_text(found: Calibration) -> str:
    """Whether it is over- or underconfident, by how much, and the temperature that would mend it."""
    error = found.error
    ece = (
        f"ECE {error.value:.3f} [{error.low:.3f}, {error.high:.3f}] over {len(found.bins)} bins of about equally many "
        f"examples; perfect probabilities would show {found.chance:.3f} by chance"
    )
    mend = (
        f"Temperature {found.temperature:.2f} fits best, by likelihood on these same dev examples, with an ECE of "
        f"{found.error_tempered:.3f} left"
    )
    return f"{_verdict(found.gap)}. {ece}. {mend}."


def quarters_sentence(parts: Sequence[Quarter], by: Property, *, is_rate: bool) -> str:
    """The last quarter against the first.

    Args:
        parts: at least two, by rising value of the property.
        by: the property.
        is_rate: whether errors are wrong classes, not distances.
    """
    first, last = parts[0], parts[-1]
    gap = difference(last, first)
    scale, digits, unit = (100.0, 0, " %") if is_rate else (1.0, 2, "")
    more, less = (f"{scale * one.error.value:.{digits}f}{unit}" for one in (last, first))
    interval = f"{scale * gap.low:+.{digits}f} to {scale * gap.high:+.{digits}f}{' points' if is_rate else ''}"
    verdict = "this may be chance" if gap.holds_zero else f"clearly {'more' if gap.value > 0 else 'less'}"
    most, least = f"the {by.most} ({range_text(last)} {by.unit})", f"the {by.least} ({range_text(first)})"
    if is_rate:
        begin = f"Of {most} {more} are wrong, of {least} {less}"
    else:
        begin = f"Predictions for {most} are off the line by {more} on average, for {least} by {less}"
    return f"{begin}: {verdict} (95 % interval of the difference {interval})."


def label_doubt_sentence(found: Hardness, name: str, *, is_score: bool) -> str:
    """How many labels may be wrong; empty where too few runs are there to say so."""
    if len(found.wrong) < FEWEST_RUNS:
        return ""
    total, by_all, doubtful = found.wrong.shape[1], int(found.wrong.all(axis=0).sum()), int(found.doubtful.sum())
    if is_score:
        begin = f"{by_all} of {total} examples are far off the line for all of {name} (twice the root mean square)"
        why = "on the same side"
    else:
        begin = f"{by_all} of {total} examples are wrong for all of {name}"
        why = "for the same class, which they give five times the probability of the label, or more"
    if not doubtful:
        return f"{begin}, none of them so clearly that its label is in doubt."
    return (
        f"{begin}, {doubtful} of them {why}: these labels are worth a look, although it may be the models that are "
        "wrong."
    )


def _verdict(gap: Interval) -> str:
    if gap.holds_zero:
        return f"On average it is as sure as it is right: by {gap.value:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]"
    over = gap.value > 0
    low, high = sorted((abs(gap.low), abs(gap.high)))
    size = f"{abs(gap.value):.3f} [{low:.3f}, {high:.3f}]"
    return (
        f"It is {'over' if over else 'under'}confident: the probability of the predicted class is on average {size} "
        f"{'above' if over else 'below'} the share that is right"
    )
