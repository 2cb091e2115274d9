"""An estimate of what a trial will score on new data, in words and as a table."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from core.statistics import Expectation, Expectations
from search.analysis.expected_score import Estimate
from search.display.table import Table

__all__ = [
    "estimate_sentence",
    "estimate_sentences",
    "estimate_table",
    "expectation_sentence",
    "expectation_text",
    "expectations_table",
    "gone_sentence",
    "missing_sentence",
    "unknown_sentence",
    "with_expected",
]

TABLE_CAPTION = "On dev, and expected on new data with 95 % interval"
_SHOWN = 5  # trials named
_TOO_SMALL = 0.00005  # to be seen in four digits


def expectation_text(one: Expectation) -> str:
    """``0.7180 [0.7030, 0.7330]``."""
    return f"{one.expected:.4f} [{one.low:.4f}, {one.high:.4f}]"


def estimate_sentence(estimate: Estimate) -> str:
    """Naive score, expected one with its 95 % interval, and what the difference comes from."""
    if estimate.checkpoints == 1:
        return expectation_sentence(estimate.scores.overall, "")
    if estimate.trials == 1:
        return expectation_sentence(estimate.scores.overall, f"the best of its {estimate.checkpoints} checkpoints")
    return expectation_sentence(estimate.scores.overall, f"the best of {estimate.trials} trials")


def expectation_sentence(overall: Expectation, chosen: str) -> str:
    """The same of any selection; ``chosen`` says from what, and is empty where there was no choice."""
    begin = f"Best overall on dev {overall.dev:.4f}; expected on new data {expectation_text(overall)}"
    if not chosen:
        return f"{begin}: nothing was chosen by this score."
    if overall.optimism < _TOO_SMALL:
        return f"{begin}: {chosen} is clearly the best, so its score is not too good."
    return f"{begin}: {chosen} looks {overall.optimism:.4f} too good."


def missing_sentence(estimate: Estimate) -> str:
    """Which trials are not in the estimate; empty where all are."""
    return gone_sentence(estimate.gone)


def gone_sentence(gone: Sequence[int]) -> str:
    """The same of any trials, by their numbers; empty without any."""
    if not gone:
        return ""
    named = ", ".join(map(str, gone[:_SHOWN]))
    more = f" and {len(gone) - _SHOWN} more" if len(gone) > _SHOWN else ""
    plural = "s" if len(gone) > 1 else ""
    return f"Not among these, as their dev predictions are gone: trial{plural} {named}{more}."


def unknown_sentence(reason: str) -> str:
    """Where there is no estimate."""
    return f"A best score on dev is too good, by how much cannot be said: {reason}."


def estimate_table(estimate: Estimate) -> Table:
    """A row for overall and for each task."""
    return expectations_table(estimate.scores)


def expectations_table(scores: Expectations) -> Table:
    """The same of any selection."""
    rows = tuple(
        (name, f"{one.dev:.4f}", f"{one.expected:.4f}", f"{one.low:.4f} to {one.high:.4f}", f"{one.optimism:+.4f}")
        for name, one in {"overall": scores.overall, **scores.tasks}.items()
    )
    return Table(TABLE_CAPTION, ("", "on dev", "on new data", "95 % interval", "too good by"), rows)


def estimate_sentences(estimate: Estimate | None, unknown: str) -> list[str]:
    """For a page on the whole study; empty as long as no trial has finished."""
    if estimate is not None:
        return [line for line in (estimate_sentence(estimate), missing_sentence(estimate)) if line]
    return [unknown_sentence(unknown)] if unknown else []


def with_expected(table: pd.DataFrame, estimate: Estimate | None) -> pd.DataFrame:
    """The table of trials with three columns more, filled for the trial that the estimate is of."""
    if estimate is None:
        return table
    overall, is_best = estimate.scores.overall, table["trial"] == estimate.trial
    values = {"expected": overall.expected, "expected_low": overall.low, "expected_high": overall.high}
    return table.assign(**{name: is_best.map({True: value}) for name, value in values.items()})
