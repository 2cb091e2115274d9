"""Describe the score expected on new data, in sentences and as a table."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from core.statistics import Expectation, Expectations
from search.analysis.expected_score import Estimate
from search.analysis.ties import ties_sentences
from search.display.table import Table

__all__ = [
    "estimate_sentence",
    "estimate_sentences",
    "expectation_sentence",
    "expectation_text",
    "expectations_table",
    "gone_sentence",
    "unknown_sentence",
    "with_expected",
]

TABLE_CAPTION = "Score on dev, expected on new data with 95 % interval, and optimism (dev minus expected)"
_SHOWN = 5  # trials listed by number
_TOO_SMALL = 0.00005  # not visible in four digits


def expectation_text(one: Expectation) -> str:
    """Write an expected score with its interval: ``0.7180 [0.7030, 0.7330]``."""
    return f"{one.expected:.4f} [{one.low:.4f}, {one.high:.4f}]"


def estimate_sentence(estimate: Estimate) -> str:
    """Return the dev score, the expected score with its 95 % interval, and where the difference comes from."""
    if estimate.checkpoints == 1:
        return expectation_sentence(estimate.scores.overall, "")
    if estimate.trials == 1:
        return expectation_sentence(estimate.scores.overall, f"the best of its {estimate.checkpoints} checkpoints")
    lead = "" if estimate.ties.others else "the lead is clear"
    return expectation_sentence(estimate.scores.overall, f"the best of {estimate.trials} trials", lead)


def expectation_sentence(overall: Expectation, chosen: str, lead: str = "") -> str:
    """Return the same sentences for any selection.

    Args:
        overall: what is expected of the selected result.
        chosen: what was selected from what, such as ``the best of 12 trials``; empty if nothing was selected.
        lead: why selecting it does not inflate its score, should that be so; empty if unknown.
    """
    begin = f"Overall dev score: {overall.dev:.4f}; expected on new data: {expectation_text(overall)}."
    if not chosen:
        return f"{begin} Nothing was selected by this score, so it is not inflated."
    if overall.optimism < _TOO_SMALL:
        return f"{begin} Selecting {chosen} does not inflate the dev score{f', since {lead}' if lead else ''}."
    return f"{begin} Selecting {chosen} inflates the dev score by {overall.optimism:.4f}."


def gone_sentence(gone: Sequence[int]) -> str:
    """List trials whose dev predictions are missing, by number; empty if there are none."""
    if not gone:
        return ""
    named = ", ".join(map(str, gone[:_SHOWN]))
    more = f" and {len(gone) - _SHOWN} more" if len(gone) > _SHOWN else ""
    plural = "s" if len(gone) > 1 else ""
    return f"Not included, because their dev predictions are missing: trial{plural} {named}{more}."


def unknown_sentence(reason: str) -> str:
    """Explain why there is no estimate."""
    return f"The best dev score is optimistic, but by how much cannot be estimated: {reason}."


def expectations_table(scores: Expectations) -> Table:
    """Make a table with a row for the overall score and one for each task."""
    rows = tuple(
        (
            name,
            f"{one.dev:.4f}",
            f"{one.expected:.4f}",
            f"{one.low:.4f} to {one.high:.4f}",
            _signed(one.optimism),
        )
        for name, one in {"overall": scores.overall, **scores.tasks}.items()
    )
    return Table(TABLE_CAPTION, ("", "dev", "expected", "95 % interval", "optimism"), rows)


def _signed(value: float) -> str:
    return f"{round(value, 4) + 0.0:+.4f}"  # 0.0 is added because -0.0000 would look odd


def estimate_sentences(estimate: Estimate | None, unknown: str) -> list[str]:
    """Return the sentences on a study's best trial; empty as long as no trial has finished.

    Args:
        unknown: why there is no estimate; empty if no trial has finished.
    """
    if estimate is not None:
        lines = (*ties_sentences(estimate.ties), estimate_sentence(estimate), gone_sentence(estimate.gone))
        return [line for line in lines if line]
    return [unknown_sentence(unknown)] if unknown else []


def with_expected(table: pd.DataFrame, estimate: Estimate | None) -> pd.DataFrame:
    """Add three columns to the table of trials, filled for the trial that the estimate is for."""
    if estimate is None:
        return table
    overall, is_best = estimate.scores.overall, table["trial"] == estimate.trial
    values = {"expected": overall.expected, "expected_low": overall.low, "expected_high": overall.high}
    return table.assign(**{name: is_best.map({True: value}) for name, value in values.items()})
