"""The topic of duplicates within train, and of labels that contradict each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping

import numpy as np

from search.audit.examples import AuditedTask
from search.audit.findings import Finding, Reason, Topic, findings_fold
from search.display.table import Table
from search.report.parts import Note, ReportSection

__all__ = ["duplicates_topic", "find_conflicts", "find_duplicates"]

_TOLERATED = 0.1  # of the score range: by how much labels of the same text may differ

_NOTE = (
    "Duplicates are counted without their first one. They have the same text but for case and white space, pairs in "
    "any order. Near-duplicates share at least 80 % of their words; of a pair, both sentences count together. Labels "
    "conflict if the same text has different classes, or scores that differ by more than a tenth of the range. Where "
    "the order of a pair matters, as in entailment, other labels in the other order are no mistake."
)


def duplicates_topic(tasks: Mapping[str, AuditedTask]) -> Topic:
    """Look for training examples that say the same."""
    findings: list[Finding] = []
    rows = []
    for name, task in tasks.items():
        found = [*find_conflicts(task), *find_duplicates(task)]
        counts = [sum(one.reason == reason for one in found) for reason in _REASONS]
        total = len(task.splits["train"])
        rows.append((name, f"{total:,}", *(f"{count:,} ({100 * count / total:.1f} %)" for count in counts)))
        findings += found
    table = Table("Training examples", ("task", "examples", *_REASONS), tuple(rows))
    fold = findings_fold("Duplicates and conflicts", findings)
    return Topic(ReportSection("duplicates", "Duplicates", (Note(_NOTE), table, *fold)), tuple(findings))


_REASONS = (Reason.DUPLICATE, Reason.NEAR_DUPLICATE, Reason.CONFLICT, Reason.SWAPPED_CONFLICT)


def find_duplicates(task: AuditedTask) -> Iterator[Finding]:
    """Yield training examples that repeat, or nearly repeat, an earlier one."""
    train, likeness = task.splits["train"], task.likeness
    first_of: dict[int, int] = {}
    earlier: dict[int, list[int]] = defaultdict(list)  # first examples of each content, by group
    for position in range(len(train)):
        content, group = int(likeness.contents[position]), int(likeness.groups[position])
        first = first_of.setdefault(content, position)
        if first != position:
            yield task.finding("train", position, Reason.DUPLICATE, f"the same as {_at(task, first)}")
            continue
        near = likeness.nearest(position, earlier[group])
        if near is not None:
            detail = f"shares {near.share:.0%} of the words with {_at(task, near.position)}"
            yield task.finding("train", position, Reason.NEAR_DUPLICATE, detail)
        earlier[group].append(position)


def find_conflicts(task: AuditedTask) -> Iterator[Finding]:
    """Yield training examples whose text has another label elsewhere in train, next to each other."""
    likeness, count = task.likeness, len(task.splits["train"])
    order = np.argsort(likeness.contents[:count], kind="stable")
    starts = np.flatnonzero(np.diff(likeness.contents[:count][order])) + 1
    for members in np.split(order, starts):
        if len(members) < 2:
            continue
        named = _one_of_each(task, members.tolist())
        for position in members.tolist():
            others = [other for other in named if _differ(task, position, other)]
            same_order = [other for other in others if likeness.keys[other] == likeness.keys[position]]
            for other in (same_order or others)[:1]:
                own, its = task.label("train", position), task.label("train", other)
                detail = f"{own} here, {its} in {_at(task, other)}"
                yield task.finding(
                    "train", position, Reason.CONFLICT if same_order else Reason.SWAPPED_CONFLICT, detail
                )


def _one_of_each(task: AuditedTask, members: list[int]) -> list[int]:
    """Return the first example of each label and order of the sentences, so that many equal texts take little time."""
    labels = task.splits["train"].labels
    assert labels is not None, "train without labels is refused"
    first: dict[tuple[float, Hashable], int] = {}
    for position in members:
        first.setdefault((float(labels[position]), task.likeness.keys[position]), position)
    return list(first.values())


def _differ(task: AuditedTask, one: int, other: int) -> bool:
    labels = task.splits["train"].labels
    assert labels is not None, "train without labels is refused"
    if task.spec.score_range is None:
        return bool(labels[one] != labels[other])
    low, high = task.spec.score_range
    return abs(float(labels[one]) - float(labels[other])) > _TOLERATED * (high - low)


def _at(task: AuditedTask, position: int) -> str:
    return f"line {task.splits['train'].lines[position]}"
