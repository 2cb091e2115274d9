"""Describe an ablation in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from search.ablate.ablation_tables import gain_text
from search.ablate.outcome import OVERALL, AblationOutcome, RowOutcome
from search.analysis.seed_intervals import apart_notes, interval_note

__all__ = ["ablation_notes", "ablation_sentences"]


def ablation_sentences(outcome: AblationOutcome) -> list[str]:
    """Say which techniques help, which harm, and which have no clear effect, the largest gain first."""
    scored = [row for row in outcome.rows if row.gains]
    helps, harms, unclear = (
        [row for row in scored if row.gains[OVERALL].verdict == verdict] for verdict in ("helps", "harms", "unclear")
    )
    lines = [_basis(outcome), *(_helps(row, outcome.tasks) for row in helps), *(map(_harms, reversed(harms)))]
    if unclear:
        lines.append(f"No evidence of an effect: {', '.join(map(_name, unclear))}.{_cheaper(unclear)}")
    return lines


def ablation_notes(outcome: AblationOutcome) -> list[str]:
    """Explain how to read the numbers, and what they do not include."""
    intervals = interval_note(outcome.seeds_known, outcome.examples_unknown)
    lines = [
        "A gain is the winner's mean minus that of the same run without the technique, on the same seeds and dev "
        f"examples. {intervals} Each interval holds for its own row only: of twenty techniques without effect, one may "
        "appear to have an effect.",
        "Time is that of a run without the technique, as a multiple of the winner's.",
    ]
    if outcome.plan.config.pretraining.stages:
        lines[-1] += " It does not include further pretraining, whose stages the runs share."
    if smallest := _smallest(outcome):
        lines.insert(1, f"These runs cannot distinguish overall gains below about {smallest:.4f} from chance.")
    lines += apart_notes({f"'{run}'": scores for run, scores in outcome.apart.items()})
    if outcome.missing:
        lines.append(f"{outcome.missing} unfinished run{'s are' if outcome.missing > 1 else ' is'} not included.")
    return lines


def _basis(outcome: AblationOutcome) -> str:
    seeds = len(outcome.winner.trials)
    spread = outcome.winner.spreads.get(OVERALL)
    sd = "" if spread is None else f" (standard deviation {spread:.4f})"
    winner, how_often = outcome.plan.winner, f"{seeds} fresh seed{'s' if seeds > 1 else ''}"
    who = winner[0].upper() + winner[1:]
    return (
        f"{who}, trained again with {how_often}, has an overall dev score of {outcome.winner.means[OVERALL]:.4f}{sd}."
    )


def _helps(row: RowOutcome, tasks: Sequence[str]) -> str:
    clear = [f"{task} {gain_text(row.gains[task], 3)}" for task in tasks if row.gains[task].verdict != "unclear"]
    where = f" ({', '.join(clear)})" if clear else ""
    with_it = f" Includes what depends on it: {', '.join(row.ablation.along)}." if row.ablation.along else ""
    return f"{_name(row)}: {gain_text(row.gains[OVERALL], 4)} overall{where}{_saved(row)}.{with_it}"


def _harms(row: RowOutcome) -> str:
    return f"{_name(row)} does harm: {gain_text(row.gains[OVERALL], 4)} overall. Leave it out{_saved(row)}."


def _saved(row: RowOutcome) -> str:
    return f"; a run without it takes {row.time:.2f} of the time" if row.is_cheaper else ""


def _cheaper(rows: Sequence[RowOutcome]) -> str:
    saving = sorted((row for row in rows if row.is_cheaper), key=lambda row: row.time or 0.0)
    if not saving:
        return ""
    words = ", ".join(f"{row.ablation.row} ({row.time:.2f} of the time)" for row in saving)
    together = "; runs with several of these off have not been trained" if len(saving) > 1 else ""
    return f" Cheaper runs: {words}{together}."


def _name(row: RowOutcome) -> str:
    return " with ".join(row.ablation.techniques)


def _smallest(outcome: AblationOutcome) -> float | None:
    """Return the median half width of the overall gains' intervals."""
    widths = [row.gains[OVERALL].half_width for row in outcome.rows if row.gains]
    known = [width for width in widths if width is not None]
    return median(known) if known else None
