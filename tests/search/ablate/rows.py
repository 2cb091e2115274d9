"""The rows of an ablation by their names."""

from __future__ import annotations

from search.ablate.outcome import AblationOutcome, RowOutcome


def rows(outcome: AblationOutcome) -> dict[str, RowOutcome]:
    return {row.ablation.row: row for row in outcome.rows}
