"""The section on costs and failures."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from search.display.table import Table
from search.display.values import duration
from search.driver.retries import RETRIES
from search.recorded.space import linked_settings
from search.recorded.trial_columns import PEAK_MEMORY
from search.report.answer_text import pruning_sentence
from search.report.context import ReportContext
from search.report.cost_drivers import cost_drivers
from search.report.failures import failures
from search.report.parts import Fold, Heading, Note, Part, ReportSection
from search.report.search_cost import search_cost
from search.trials.folders import ERROR
from search.trials.record import REPEAT_OF

__all__ = ["cost_section"]

_SHOWN = 5  # slow trials, and trials named in a row


def cost_section(context: ReportContext) -> ReportSection:
    """Make the section: time by state and rung, savings by pruning, settings that make trials slow, failures."""
    parts = [
        *_where(context),
        *_settings(context),
        *_failures(context),
        *_setbacks(context),
        Fold("Slowest trials", tuple(_slowest(context.table))),
    ]
    return ReportSection("cost", "Cost and failures", tuple(parts))


def _where(context: ReportContext) -> Iterator[Part]:
    table = context.table[context.table[REPEAT_OF].isna()]
    total = float(table["seconds"].sum()) or 1.0
    rows = [(words, table[table["state"] == state]) for state, words in _ENDED.items()]
    rows += [
        (f"pruned at {int(examples):,} examples", part)
        for examples, part in _by(table[table["state"] == "pruned"], "examples")
    ]
    yield Table(
        "Where the time went",
        ("state", "trials", "time", "share of time", "training examples"),
        tuple(
            (
                name,
                f"{len(part):,}",
                duration(part["seconds"].sum()),
                f"{100 * part['seconds'].sum() / total:.0f} %",
                f"{int(part['examples'].sum()):,}",
            )
            for name, part in rows
            if len(part)
        ),
    )
    spent = search_cost(context.table, context.records)
    if saved := pruning_sentence(spent):
        yield saved
    if spent.repeats:
        yield (
            f"{spent.repeats:,} trial{'s' if spent.repeats > 1 else ''} repeated an earlier configuration and reused "
            "its result at no cost."
        )


def _by(table: pd.DataFrame, column: str) -> list[tuple[int, pd.DataFrame]]:
    return [(value, table[table[column] == value]) for value in sorted(set(table[column].tolist()))]


_ENDED = {"complete": "trained to the end", "failed": "failed", "pruned": "pruned"}


def _settings(context: ReportContext) -> Iterator[Part]:
    drivers = cost_drivers(context.table, linked_settings(context.study))
    if not drivers:
        return
    yield Heading("What makes a trial slow")
    yield Table(
        "Time per training example: slowest value of a setting compared with the fastest",
        ("setting", "slowest", "fastest", "times as long", "95 % interval"),
        tuple(
            (one.path, one.slowest, one.fastest, f"{one.ratio:.2f}", f"{one.low:.2f} to {one.high:.2f}")
            for one in drivers
        ),
    )
    yield Note("Other settings are not controlled for: one setting may stand for another that it was often tried with.")


def _failures(context: ReportContext) -> Iterator[Part]:
    found = failures(context.table)
    if not found:
        return
    yield Heading("Failures")
    yield Table(
        "",
        ("reason", "trials", "numbers", "what may help"),
        tuple((one.reason, f"{len(one.trials):,}", _named(one.trials), one.hint) for one in found),
    )
    path = context.folders.path(found[0].trials[0]) / ERROR
    if path.is_file():
        yield Note(f"Each failed trial's folder contains the full message, such as {path}.")


def _setbacks(context: ReportContext) -> Iterator[Part]:
    retried = [
        trial.number
        for trial in context.study.get_trials(deepcopy=False)
        if (counts := trial.user_attrs.get(RETRIES)) and (counts["crashes"] or counts["losses"] > 0)
    ]
    if retried:
        yield (
            f"{len(retried):,} trial{'s were' if len(retried) > 1 else ' was'} interrupted, by a crash or with the "
            f"search, and resumed from a checkpoint: {_named(tuple(retried))}."
        )


def _slowest(table: pd.DataFrame) -> Iterator[Part]:
    slowest = table.sort_values("seconds", ascending=False).head(_SHOWN)
    yield Table(
        "",
        ("trial", "state", "time", "examples/s", "peak memory (MiB)"),
        tuple(
            (
                str(row["trial"]),
                row["state"],
                duration(row["seconds"]),
                f"{row['examples'] / row['seconds']:.0f}" if row["seconds"] else "",
                "" if pd.isna(row[PEAK_MEMORY]) else f"{row[PEAK_MEMORY]:,.0f}",
            )
            for _, row in slowest.iterrows()
        ),
    )
    peaks = table[["trial", PEAK_MEMORY]].dropna()
    if not peaks.empty:
        most = peaks.iloc[int(peaks[PEAK_MEMORY].astype(float).argmax())]
        yield f"Highest peak memory: {most[PEAK_MEMORY]:,.0f} MiB, by trial {int(most['trial'])}."


def _named(trials: tuple[int, ...]) -> str:
    more = f" and {len(trials) - _SHOWN} more" if len(trials) > _SHOWN else ""
    return ", ".join(map(str, trials[:_SHOWN])) + more
