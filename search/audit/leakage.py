"""The topic of leakage: dev and test examples that are also in the training set of the same or another task."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from data.overlap import count_overlap
from data.tasks import SplitName
from search.audit.examples import AuditedTask
from search.audit.findings import Finding, Reason, Topic, findings_fold
from search.audit.likeness import Likeness
from search.display.table import Table
from search.report.parts import Heading, Note, Part, ReportSection

__all__ = ["find_in_other_tasks", "find_in_train", "leakage_topic"]

_REASONS = (Reason.IN_TRAIN, Reason.NEARLY_IN_TRAIN, Reason.SENTENCE_IN_TRAIN)

_NOTE = (
    "Distinct sentences and pairs are compared exactly, as search.run counts them before the first trial. Rows are "
    "compared without case and white space, pairs in any order: each is counted once, as the same example, as one that "
    "shares at least 80 % of its words with a training example, or as a pair with a sentence of train."
)
_NOTE_OTHERS = (
    "Rows of dev and test with a sentence that is, or nearly is, in the training set of another task. That gives away "
    "no label, unless the tasks ask the same."
)


def leakage_topic(tasks: Mapping[str, AuditedTask]) -> Topic:
    """Look for dev and test examples in all training sets."""
    findings: list[Finding] = []
    warnings: list[str] = []
    rows = []
    for name, task in tasks.items():
        for split, raw in task.own_splits.items():
            if split == "train":
                continue
            overlap = count_overlap(task.splits["train"], raw)
            warnings += filter(None, [overlap.warning(name, split)])
            found = list(find_in_train(task, split))
            counts = [sum(one.reason == reason for one in found) for reason in _REASONS]
            exact = f"{overlap.sentences:,} of {overlap.of_sentences:,}"
            pairs = f"{overlap.pairs:,} of {overlap.of_pairs:,}" if overlap.of_pairs else ""
            rows.append((name, split, exact, pairs, *(f"{count:,}" for count in counts)))
            findings += found
    headings = ("task", "split", "distinct sentences in train", "distinct pairs in train", *_REASONS)
    own = Table("Dev and test examples that are in the training set of their task", headings, tuple(rows))
    parts: list[Part] = [*warnings, Note(_NOTE), own]
    if len(tasks) > 1:
        others = list(find_in_other_tasks(tasks))
        findings += others
        parts += [Heading("Between tasks"), Note(_NOTE_OTHERS), _others_table(tasks, others)]
    fold = findings_fold("Leaked examples", findings)
    return Topic(ReportSection("leakage", "Leakage", (*parts, *fold)), tuple(findings), tuple(warnings))


def find_in_train(task: AuditedTask, split: SplitName) -> Iterator[Finding]:
    """Yield examples of dev or test that train has, nearly has, or has a sentence of."""
    likeness, places = task.likeness, task.places
    first_of: dict[int, int] = {}
    by_group: dict[int, list[int]] = defaultdict(list)
    with_sentence: dict[str, int] = {}
    for place in range(len(task.splits["train"])):
        content = int(likeness.contents[place])
        if first_of.setdefault(content, place) == place:
            by_group[int(likeness.groups[place])].append(place)
        for sentence in likeness.keys[place]:
            with_sentence.setdefault(sentence, place)
    for place, (own_split, position) in enumerate(places):
        if own_split != split:
            continue
        same = first_of.get(int(likeness.contents[place]))
        if same is not None:
            how = "the same as" if likeness.keys[same] == likeness.keys[place] else "the same, swapped, as"
            yield task.finding(
                split, position, Reason.IN_TRAIN, f"{how} {_train(task, same, task.label(split, position))}"
            )
            continue
        near = likeness.nearest(place, by_group.get(int(likeness.groups[place]), ()))
        if near is not None:
            where = _train(task, near.position, task.label(split, position))
            yield task.finding(
                split, position, Reason.NEARLY_IN_TRAIN, f"shares {near.share:.0%} of the words with {where}"
            )
            continue
        known = [number for number, one in enumerate(likeness.keys[place]) if one in with_sentence]
        if known and len(likeness.keys[place]) == 2:
            which = ("first", "second")[known[0]] if len(known) == 1 else "each"
            at = with_sentence[likeness.keys[place][known[0]]]
            detail = f"{which} sentence is in train, line {task.splits['train'].lines[at]}"
            yield task.finding(split, position, Reason.SENTENCE_IN_TRAIN, detail)


def _train(task: AuditedTask, position: int, label: str) -> str:
    its = task.label("train", position)
    labels = "" if not label else "; the same label" if its == label else f"; {label} here, {its} there"
    return f"line {task.splits['train'].lines[position]} of train{labels}"


def find_in_other_tasks(tasks: Mapping[str, AuditedTask]) -> Iterator[Finding]:
    """Yield dev and test examples with a sentence that is, or nearly is, in the training set of another task."""
    sentences = [
        (name, split, position, sentence)
        for name, task in tasks.items()
        for split, position, of_example in task.examples()
        for sentence in of_example
    ]
    likeness = Likeness.of((sentence,) for *_, sentence in sentences)
    in_train: dict[int, dict[str, int]] = defaultdict(dict)  # of each content, the first place by task
    near_train: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, (name, split, _, _) in enumerate(sentences):
        if split == "train" and in_train[int(likeness.contents[place])].setdefault(name, place) == place:
            near_train[int(likeness.groups[place])][name].append(place)
    seen: set[tuple[str, str, int, str]] = set()
    for place, (name, split, position, _) in enumerate(sentences):
        if split == "train":
            continue
        content, group = int(likeness.contents[place]), int(likeness.groups[place])
        for other in near_train.get(group, {}):
            if other == name or (name, split, position, other) in seen:
                continue
            same = in_train.get(content, {}).get(other)
            near = None if same is not None else likeness.nearest(place, near_train[group][other])
            if same is None and near is None:
                continue
            seen.add((name, split, position, other))
            at = sentences[same if near is None else near.position][2]  # type: ignore[index]
            how = "" if near is None else f", which shares {near.share:.0%} of the words"
            line = tasks[other].splits["train"].lines[at]
            yield tasks[name].finding(split, position, Reason.IN_OTHER_TASK, f"{other}, line {line} of train{how}")


def _others_table(tasks: Mapping[str, AuditedTask], findings: list[Finding]) -> Table:
    rows = []
    for name, task in tasks.items():
        for split, raw in task.own_splits.items():
            if split != "train":
                found = [one.detail.partition(",")[0] for one in findings if (one.task, one.split) == (name, split)]
                cells = ["" if other == name else f"{found.count(other):,}" for other in tasks]
                rows.append((name, split, f"{len(raw):,}", *cells))
    return Table("Rows in the training sets of other tasks", ("task", "split", "examples", *tasks), tuple(rows))
