"""Propose a task for the files of one: columns, kind, classes or score range, metric and split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from data.errors import UserError, quoted
from data.kinds import Kind
from data.metrics import all_metrics, find_metric
from data.tables.columns import column_index
from data.tables.table import Table
from data.tasks import SplitName
from search.init.column_profile import ColumnProfile, profiles
from search.init.columns import ColumnFinder, TableColumns
from search.init.data_files import TaskFiles
from search.init.labels import MOST_CLASSES, class_counts, guess_prediction, score_range
from search.init.metric_choice import metric_of_classes, metric_of_scores
from search.init.questions import Choice, Questions
from search.init.tables import check_header, read_tables

__all__ = ["TaskProposal", "propose_task"]

_SMALL: Final = 1000  # rows; of fewer, dev and test get a fifth each


@dataclass(frozen=True)
class TaskProposal:
    """A task as a study file describes it, and why.

    Attributes:
        name: of the task.
        fields: of its table in a study file.
        why: a phrase for each of the fields that needs one.
        notes: what the user should know; one line each.
        sentences: the texts of the rows of train.
        is_balanced: whether its classes are about equally frequent; True for scores.
    """

    name: str
    fields: Mapping[str, Any]
    why: Mapping[str, str]
    notes: tuple[str, ...]
    sentences: Sequence[tuple[str, ...]]
    is_balanced: bool

    @property
    def kind(self) -> Kind:
        """What is read and predicted."""
        return Kind(self.fields["kind"])


def propose_task(
    name: str,
    files: TaskFiles,
    folder: Path,
    options: Mapping[str, Mapping[str, str]],
    pair: tuple[str, str] | None,
    questions: Questions,
) -> TaskProposal:
    """Read the files of a task, and propose its description.

    Args:
        name: of the task.
        files: of the task.
        folder: the data folder, which contains them.
        options: given values, by option and task.
        pair: two columns that are read as a pair.
        questions: asked where the files do not tell.

    Raises:
        UserError: the files cannot be a task, or it takes an option to tell how.
    """
    tables, quoting = read_tables(files)
    columns, source = profiles(tables["train"]), str(files.train)
    others = {split: profiles(table) for split, table in tables.items() if split != "train"}
    finder = ColumnFinder(name, source, columns, list(others.values()), options, questions, pair)
    if not (finder.given("--label") and (pair or finder.given("--text"))):
        check_header(tables["train"], files.train)
    found = finder.find()
    taken = [*found.texts, found.label]
    fields: dict[str, Any] = {"files": _names(files, folder)}
    why = {"files": _why_files(files)}
    if quoting != "minimal":
        fields["quoting"], why["quoting"] = quoting, 'quotes (") are plain text: fewer rows are malformed so'
    _add_split(fields, why, finder, files, taken, columns)
    label = columns[found.label]
    seen = Counter(label.counts)
    more = Counter(others["dev"][found.label].counts if found.label in others.get("dev", {}) else {})
    is_balanced = _add_labels(fields, why, finder, label, seen, more, len(found.texts) == 2)
    id_column, why_id = finder.id_column(taken)
    fields["columns"] = {"id": id_column, "sentences": list(found.texts), "label": found.label}
    why["id"], why["sentences"], why["label"] = why_id, found.why_texts, found.why_label
    notes = [*finder.notes, *_label_notes(fields, seen + more)]
    notes += [f"split {split} of the data set is not used" for split in files.unused]
    if "test" in files.named and found.label not in others["test"]:
        notes.append(f"{files.named['test'].name} has no labels: its rows are predicted, not scored")
    return TaskProposal(name, fields, why, tuple(notes), _sentences(tables["train"], found, files.train), is_balanced)


def _names(files: TaskFiles, folder: Path) -> dict[SplitName, str]:
    if files.hub_set is not None:
        return {split: f"{files.hub_set}/{path.name}" for split, path in files.named.items()}
    root = folder.absolute()
    return {split: path.absolute().relative_to(root).as_posix() for split, path in files.named.items()}


def _why_files(files: TaskFiles) -> str:
    return "their names say which split they are" if len(files.named) > 1 else "the only file of the task"


def _add_split(
    fields: dict[str, Any],
    why: dict[str, str],
    finder: ColumnFinder,
    files: TaskFiles,
    taken: list[str],
    columns: Mapping[str, ColumnProfile],
) -> None:
    """Say how dev and test are taken out of the training file, if it takes that."""
    if files.dev is not None:
        return
    found = finder.split_column(taken) if files.test is None else None
    if found is not None:
        column, has_test = found
        fields["split"] = {"column": column} | ({} if has_test else {"test": 0})
        why["split"] = f"column {quoted(column)} names the split of every row"
        taken.append(column)
        return
    rows = max(column.rows for column in columns.values())
    share = 0.2 if rows < _SMALL else 0.1
    split: dict[str, Any] = {"dev": share} if files.test is not None else {"dev": share, "test": share}
    missing = "dev file" if files.test is not None else "dev and test file"
    why["split"] = f"there is no {missing}: {' and '.join(split)} are drawn from {rows:,} rows".replace(
        "dev are drawn", "dev is drawn"
    )
    if (group := finder.group_column(taken)) is not None:
        split["group"] = group[0]
        why["split"] += f"; {group[1]}"
    fields["split"] = split


def _add_labels(
    fields: dict[str, Any],
    why: dict[str, str],
    finder: ColumnFinder,
    label: ColumnProfile,
    seen: Counter[str],
    more: Counter[str],
    is_pair: bool,
) -> bool:
    """Add kind, classes or score range, and metric; return whether classes are balanced."""
    is_score, why_kind = _is_score(finder, label)
    fields["kind"] = str(_kind(is_score, is_pair, finder))
    why["kind"] = why_kind
    if is_score:
        found = score_range(label, more)
        fields["score_range"], why["score_range"] = [float(found.low), float(found.high)], found.why
        metric, why_metric = metric_of_scores(seen)
        is_balanced = True
    else:
        counts = class_counts(seen + more)
        if len(counts) < 2:
            raise UserError(f"{finder.source}: column {quoted(label.name)} has fewer than two classes")
        if len(counts) > MOST_CLASSES:
            raise UserError(
                f"{finder.source}: column {quoted(label.name)} has {len(counts):,} different values, but init proposes "
                f"at most {MOST_CLASSES} classes; merge rare ones, or predict scores with --kind"
            )
        proposal = metric_of_classes(counts)
        classes, metric, why_metric = proposal.classes, proposal.name, proposal.why
        is_balanced = proposal.is_balanced
        fields["classes"], why["classes"] = list(classes), _shares(counts, classes)
    if (given := finder.given("--metric")) is not None:
        metric, why_metric = _metric(given, Kind(fields["kind"])), "as you say"
    fields["metric"], why["metric"] = metric, why_metric
    return is_balanced


def _metric(given: str, kind: Kind) -> str:
    try:
        metric = find_metric(given, kind)
    except ValueError as error:
        raise UserError(f"--metric: {error}") from None
    if kind not in metric.kinds:
        suitable = ", ".join(one.name for one in all_metrics() if kind in one.kinds)
        raise UserError(f"--metric {given} does not suit a task of kind {kind}; choose from {suitable}")
    return metric.name


def _is_score(finder: ColumnFinder, label: ColumnProfile) -> tuple[bool, str]:
    guess, why, is_sure = guess_prediction(label)
    if (given := finder.given("--kind")) is not None:
        is_score = Kind(given).is_score
        if is_score and label.numeric < 0.5:
            raise UserError(f"{finder.source}: column {quoted(label.name)} has words, and scores are numbers")
        return is_score, "as you say"
    if not is_sure:
        other = "classes" if guess == "scores" else "scores"
        about = {"classes": "each number is a class of its own", "scores": "numbers in an order, larger is more"}
        choices = [Choice(guess, about[guess]), Choice(other, about[other])]
        question = f"{finder.task}: what are the {why} in column {quoted(label.name)}"
        option = "--kind classify or --kind score (or classify-pair, score-pair)"
        guess = "scores" if finder.questions.choose(question, choices, option) == "scores" else "classes"
    return guess == "scores", why


def _kind(is_score: bool, is_pair: bool, finder: ColumnFinder) -> Kind:
    kind = {
        (False, False): Kind.CLASSIFY,
        (False, True): Kind.CLASSIFY_PAIR,
        (True, False): Kind.SCORE,
        (True, True): Kind.SCORE_PAIR,
    }[is_score, is_pair]
    if (given := finder.given("--kind")) is not None and given != kind:
        read = "two columns of text" if is_pair else "one column of text"
        raise UserError(f"{finder.source}: --kind {given} does not suit {read}; give --text or --pair accordingly")
    return kind


def _shares(counts: Mapping[str, int], classes: Sequence[str]) -> str:
    total = sum(counts.values())
    if len(classes) > 6:
        most, least = max(counts.values()), min(counts.values())
        return f"{len(classes)} different labels, {least:,} to {most:,} rows each"
    return ", ".join(f"{quoted(name[:20])} {counts[name] / total:.0%}" for name in classes)


def _label_notes(fields: Mapping[str, Any], seen: Counter[str]) -> list[str]:
    if "classes" not in fields:
        return []
    counts = class_counts(seen)
    by_case: dict[str, list[str]] = {}
    for name in counts:
        by_case.setdefault(name.casefold(), []).append(name)
    notes = [
        f"classes {', '.join(map(quoted, same))} differ only in capital letters; correct the file if they are one"
        for same in by_case.values()
        if len(same) > 1
    ]
    if single := [name for name, count in counts.items() if count < 3]:
        listed = ", ".join(quoted(name) for name in single[:3]) + (f" and {len(single) - 3} more" if single[3:] else "")
        notes.append(f"too few examples to learn, or to score: class {listed}")
    return notes


def _sentences(table: Table, found: TableColumns, path: Path) -> list[tuple[str, ...]]:
    places = [column_index(table.header, name, path) for name in found.texts]
    return [tuple(record.cells[place] for place in places) for record in table.records if not record.fault]
