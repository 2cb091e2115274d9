"""The section on costs and failures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from search.display.table import Table
from search.display.values import duration, first_few
from search.driver.retries import RETRIES
from search.recorded.space import linked_settings
from search.recorded.trial_columns import PEAK_MEMORY
from search.report.context import ReportContext
from search.report.cost_drivers import cost_drivers
from search.report.parts import Fold, Heading, Note, Part, ReportSection
from search.report.search_cost import pruning_sentence, search_cost
from search.trials.folders import ERROR
from search.trials.record import REPEAT_OF

__all__ = ["Failure", "cost_section", "failures"]

_SHOWN = 5  # slow trials, and trials named in a row
_ENDED = {"complete": "trained to the end", "failed": "failed", "pruned": "pruned"}
_NUMBER = re.compile(r"\d+(\.\d+)?")
_HINTS = (  # what may help, by reason
    (
        re.compile("out of memory", re.IGNORECASE),
        "a smaller batch_size, fewer workers, or a narrower range for settings that make a model large",
    ),
    (re.compile(r"not finite|diverge|\bnan\b", re.IGNORECASE), "a lower upper bound for the learning rate"),
)


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
        (f"pruned at {int(part['examples'].iloc[0]):,} examples", part)
        for _, part in table[table["state"] == "pruned"].groupby("examples")
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
    yield Note(
        "Other settings are not controlled for: a setting's effect may really belong to another that it was often "
        "combined with."
    )


def _failures(context: ReportContext) -> Iterator[Part]:
    found = failures(context.table)
    if not found:
        return
    yield Heading("Failures")
    yield Table(
        "",
        ("reason", "trials", "numbers", "what may help"),
        tuple((one.reason, f"{len(one.trials):,}", first_few(one.trials, _SHOWN), one.hint) for one in found),
    )
    path = context.folders.path(found[0].trials[0]) / ERROR
    if path.is_file():
        yield Note(f"Each failed trial's folder contains the full message, such as {path}.")


@dataclass(frozen=True)
class Failure:
    """Trials that failed for the same reason.

    Attributes:
        reason: first line of the first trial's reason.
        trials: their numbers.
        hint: what may help; empty if unknown.
    """

    reason: str
    trials: tuple[int, ...]
    hint: str


def failures(table: pd.DataFrame) -> list[Failure]:
    """Return the groups, the largest first; reasons that differ only in numbers are the same."""
    groups: dict[str, list[tuple[int, str]]] = {}
    failed = table[table["state"] == "failed"]
    for number, reason in zip(failed["trial"].tolist(), failed["reason"].tolist(), strict=True):
        line = (reason or "no reason recorded").splitlines()[0]
        groups.setdefault(_NUMBER.sub("N", line), []).append((number, line))
    found = [
        Failure(group[0][1], tuple(number for number, _ in group), _hint(group[0][1])) for group in groups.values()
    ]
    return sorted(found, key=lambda one: -len(one.trials))


def _hint(reason: str) -> str:
    return next((hint for pattern, hint in _HINTS if pattern.search(reason)), "")


def _setbacks(context: ReportContext) -> Iterator[Part]:
    retried = [
        trial.number
        for trial in context.study.get_trials(deepcopy=False)
        if (counts := trial.user_attrs.get(RETRIES)) and (counts["crashes"] or counts["losses"] > 0)
    ]
    if retried:
        yield (
            f"{len(retried):,} trial{'s were' if len(retried) > 1 else ' was'} interrupted, by a crash or with the "
            f"search, and resumed from a checkpoint: {first_few(retried, _SHOWN)}."
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
