"""The topic of odd rows: left out, with odd texts or ids, very long, or equal sentences labelled as different."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np

from data.splitting.near_duplicates import shared_words, word_set
from data.tasks import SplitName
from search.audit.examples import AuditedTask
from search.audit.findings import Finding, Reason, Topic, findings_fold, findings_table
from search.audit.odd_texts import oddities, usual_scripts
from search.report.parts import Note, Part, ReportSection

__all__ = ["find_odd_rows", "rows_topic"]


_LONG, _OF_TEXTS = 3, 0.99
_FEWEST = 100  # texts of which some can be unusually long
_EQUAL = 0.8  # of the way from the lowest to the highest score, at least, for equal sentences
_SAMPLED = 20_000  # pairs from which is learnt which label stands for equal sentences
# What spreadsheets and data frames make of ids: 1.2E+15, #REF!, and missing values.
_ODD = re.compile(
    r"[+-]?\d+(?:[.,]\d+)?[eE]\+\d+|#(?:REF|N/A|NAME\?|VALUE|NUM|DIV/0)!?|nan|null|none|n/a|<na>", re.IGNORECASE
)

_NOTE = (
    "Rows that search.run leaves out; texts that a tokenizer gives no token for; texts that were decoded with a wrong "
    "encoding or contain HTML; texts in a script that fewer than 5 % of the task's texts have; texts more than three "
    "times as long as 99 % of them; ids that a spreadsheet or a missing value left behind; and pairs of equal "
    "sentences whose label is not the one that pairs with many words in common have."
)


def rows_topic(tasks: Mapping[str, AuditedTask]) -> Topic:
    """Look for odd rows in all splits."""
    findings = [finding for task in tasks.values() for finding in find_odd_rows(task)]
    parts: list[Part] = [Note(_NOTE)]
    parts.append(findings_table(findings) if findings else "Nothing odd was found.")
    return Topic(ReportSection("rows", "Odd rows", (*parts, *findings_fold("Odd rows", findings))), tuple(findings))


def find_odd_rows(task: AuditedTask) -> Iterator[Finding]:
    """Yield odd rows of a task, by kind."""
    yield from _left_out(task)
    yield from _odd_texts(task)
    yield from _long_texts(task)
    yield from _equal_sentences(task)
    yield from _odd_ids(task)


def _left_out(task: AuditedTask) -> Iterator[Finding]:
    for split, raw in task.own_splits.items():
        for row in raw.skipped:
            line, _, why = row.removeprefix(f"{raw.path.name}:").partition(": ")
            yield Finding(task.spec.name, split, "", int(line), Reason.LEFT_OUT, why, (), str(raw.path))


def _odd_texts(task: AuditedTask) -> Iterator[Finding]:
    usual = usual_scripts(sentence for _, _, sentences in task.examples() for sentence in sentences)
    for split, position, sentences in task.examples():
        reasons: dict[Reason, str] = {}
        for sentence in sentences:
            reasons = {**dict(oddities(sentence, usual)), **reasons}
        for reason, detail in reasons.items():
            yield task.finding(split, position, reason, detail)


def _long_texts(task: AuditedTask) -> Iterator[Finding]:
    places = [(split, position) for split, position, _ in task.examples()]
    lengths = np.array([max(map(len, sentences)) for _, _, sentences in task.examples()])
    if len(lengths) < _FEWEST:
        return
    most = float(np.quantile(lengths, _OF_TEXTS))
    for place in np.flatnonzero(lengths > _LONG * most).tolist():
        detail = f"{lengths[place]:,} characters; 99 % have at most {most:,.0f}"
        yield task.finding(*places[place], Reason.LONG, detail)


def _equal_sentences(task: AuditedTask) -> Iterator[Finding]:
    """Yield pairs of equal sentences whose label is not that of pairs with many words in common.

    Which label that is, the training examples say: the class whose pairs share the most words on average, or the end
    of the scores towards which pairs share more.
    """
    if not task.spec.kind.is_pair:
        return
    is_expected, expected = _expectation(task)
    for split, raw in task.own_splits.items():
        for position, (first, second) in enumerate(raw.sentences):
            is_equal = bool(first.strip()) and first.split() == second.split()
            if raw.labels is not None and is_equal and not is_expected(float(raw.labels[position])):
                detail = f"labelled {task.label(split, position)}, expected {expected}"
                yield task.finding(split, position, Reason.EQUAL_SENTENCES, detail)


def _expectation(task: AuditedTask) -> tuple[Callable[[float], bool], str]:
    raw = task.splits["train"]
    assert raw.labels is not None, "train without labels is refused"
    step = len(raw) // _SAMPLED + 1
    shares = np.array([shared_words(*map(word_set, pair)) for pair in raw.sentences[::step]])
    labels = np.asarray(raw.labels[::step], dtype=np.float64)
    if task.spec.score_range is None:
        means = {int(label): float(shares[labels == label].mean()) for label in np.unique(labels)}
        best = max(means, key=means.__getitem__)
        return partial(np.equal, best), f"'{task.spec.classes[best]}'"
    low, high = task.spec.score_range
    rises = np.ptp(labels) == 0 or np.ptp(shares) == 0 or np.corrcoef(shares, labels)[0, 1] >= 0
    way = _EQUAL * (high - low)
    bound = low + way if rises else high - way
    return (
        (partial(_at_least, bound), f"at least {bound:g}")
        if rises
        else (partial(_at_most, bound), f"at most {bound:g}")
    )


def _at_least(bound: float, score: float) -> bool:
    return score >= bound


def _at_most(bound: float, score: float) -> bool:
    return score <= bound


def _odd_ids(task: AuditedTask) -> Iterator[Finding]:
    where: dict[str, list[tuple[SplitName, int]]] = defaultdict(list)
    for split, raw in task.own_splits.items():
        for position, name in enumerate(raw.ids):
            if _ODD.fullmatch(name):
                yield task.finding(split, position, Reason.ODD_ID, name)
            if not name.isdecimal():  # row numbers begin in every file again
                where[name].append((split, position))
    for name, places in where.items():
        for split, position in places[1:]:
            first, at = places[0]
            detail = f"'{name}' is also in {first}, line {task.splits[first].lines[at]}"
            yield task.finding(split, position, Reason.ID_AGAIN, detail)
