"""Choose the columns of a task: texts, label, id, group and split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from data.errors import UserError, quoted
from data.kinds import Kind
from data.splitting.split_rule import SPLIT_WORDS
from data.tables.columns import DEFAULT_ID, column_hint
from search.init import column_names as names
from search.init.column_profile import ColumnProfile
from search.init.labels import MOST_CLASSES, what_is_wrong
from search.init.questions import EVERY_TASK, Choice, Questions
from search.study.task_tables import NO_ID

__all__ = ["ColumnFinder", "TableColumns"]

_WORDS: Final = 3.0  # mean number of words of a text
_REPEATED: Final = 0.2  # least share of different cells in a column of texts, unless there are many
_SPLIT_WORDS: Final = frozenset(word for words in SPLIT_WORDS.values() for word in words)
_SMALL_GROUP: Final = 0.2  # of all rows: a larger group leaves too little choice for a split
_FEWEST_GROUPS: Final = 10

Profiles = Mapping[str, ColumnProfile]


@dataclass(frozen=True)
class TableColumns:
    """Columns by what they are for, each with a phrase that says why."""

    texts: tuple[str, ...]
    why_texts: str
    label: str
    why_label: str


@dataclass(frozen=True)
class ColumnFinder:
    """Find the columns of one task.

    Attributes:
        task: its name.
        source: of its training file, for messages.
        columns: of its training file.
        others: columns of its other files.
        options: given values, by option and task (:func:`search.init.questions.by_task`).
        questions: asked where names and cells do not tell.
        pair: two columns that the user says are a pair.
        notes: gets what the user should know.
    """

    task: str
    source: str
    columns: Profiles
    others: Sequence[Profiles]
    options: Mapping[str, Mapping[str, str]]
    questions: Questions
    pair: tuple[str, str] | None = None
    notes: list[str] = field(default_factory=list)

    def given(self, option: str) -> str | None:
        """Return the value of an option for this task, or None."""
        values = self.options.get(option, {})
        return values.get(self.task, values.get(EVERY_TASK))

    @property
    def wants_pair(self) -> bool | None:
        """Return whether the kind that the user gave is one of pairs; None if none was given."""
        kind = self.given("--kind")
        return None if kind is None else Kind(kind).is_pair

    def find(self) -> TableColumns:
        """Return the columns of texts and label.

        Raises:
            UserError: there are none, or it takes an option to tell which.
        """
        texts = self._given_texts()
        label, why_label = self._label(texts or ())
        why_texts = "as you say"
        if not texts:
            texts, why_texts = self._texts(label)
        if label in texts:
            raise UserError(f"{self.source}: column {quoted(label)} cannot be both text and label")
        return TableColumns(texts, why_texts, label, why_label)

    def id_column(self, taken: Sequence[str]) -> tuple[str, str]:
        """Return the id column, or ``none`` for row numbers, and why."""
        if (given := self.given("--id")) is not None:
            return (given if given == NO_ID else self._known(given)), "as you say"
        found = [name for name in self.columns if names.is_id_name(name) and name not in taken and name != NO_ID]
        for name in sorted(found, key=lambda name: name.casefold() != DEFAULT_ID):
            if all(name in table and table[name].is_unique for table in (self.columns, *self.others)):
                return name, "every row of each file has a value of its own"
        first = next(iter(self.columns))
        tables = (self.columns, *self.others)
        if not found and first not in taken and all(first in one and one[first].is_code for one in tables):
            return first, "the first column, in which every row has a word or number of its own"
        for name in found:
            return NO_ID, f"rows are numbered, since {quoted(name)} repeats or is missing in a file"
        return NO_ID, "rows are numbered, since no column looks like an id"

    def split_column(self, taken: Sequence[str]) -> tuple[str, bool] | None:
        """Return the column that names the split of each row, and whether it names test rows; None without one.

        Raises:
            UserError: such a column lacks rows of train or dev.
        """
        for name, column in self.columns.items():
            words = {cell.casefold() for cell in column.counts}
            if name in taken or not words or not words <= _SPLIT_WORDS or column.filled < column.rows:
                continue
            there = {split for split, known in SPLIT_WORDS.items() if words & set(known)}
            if not {"train", "dev"} <= there:
                lacks = "dev" if "train" in there else "train"
                raise UserError(
                    f"{self.source}: column {quoted(name)} names splits, but no row is {lacks}; write {lacks} into the "
                    "rows that are to be it, or remove the column"
                )
            return name, "test" in there
        for name in self.columns:
            if names.is_split_name(name) and name not in taken and {"train", "test"} & self._cells(name):
                self.notes.append(f"column {quoted(name)} is not used: not every row has train, dev or test there")
        return None

    def group_column(self, taken: Sequence[str]) -> tuple[str, str] | None:
        """Return a column whose equal values should stay in one split, and why; None if none is obvious."""
        for name, column in self.columns.items():
            is_text = names.is_text_name(name) and column.words >= _WORDS  # the subject of a mail, not a person
            if not names.is_group_name(name) or is_text or name in taken or column.distinct < _FEWEST_GROUPS:
                continue
            is_small = max(column.counts.values()) <= _SMALL_GROUP * column.rows
            if column.distinct < column.filled and column.filled >= column.rows / 2 and is_small:
                return name, f"rows of one {quoted(name)} stay together ({column.distinct:,} of them)"
        return None

    def _cells(self, name: str) -> set[str]:
        return {cell.casefold() for cell in self.columns[name].counts}

    def _known(self, name: str) -> str:
        if name in self.columns:
            return name
        listed = ", ".join(map(quoted, self.columns))
        raise UserError(
            f"{self.source}: no column {quoted(name)} with one text or number in every row; the file has "
            f"{listed}{column_hint(name, self.columns)}"
        )

    def _given_texts(self) -> tuple[str, ...]:
        if self.pair is not None:
            return self._known(self.pair[0]), self._known(self.pair[1])
        text = self.given("--text")
        return () if text is None else (self._known(text),)

    def _label(self, texts: Sequence[str]) -> tuple[str, str]:
        if (given := self.given("--label")) is not None:
            wrong = what_is_wrong(self.columns[self._known(given)])
            if wrong:
                raise UserError(f"{self.source}: column {quoted(given)} {wrong}")
            return given, "as you say"
        found = self._label_candidates(texts)
        named = [name for name in found if names.is_label_name(name) or self._compares(name)]
        if len(kept := self._without_twins(named or found)) == 1:
            return kept[0], "by its name" if named else "the only column with classes or scores"
        if not kept:
            raise UserError(f"{self.source}: {self._why_no_label(texts)}; name the column with --label COLUMN")
        choices = [Choice(name, _about(self.columns[name])) for name in sorted(kept, key=self._label_order)]
        chosen = self.questions.choose(f"{self.task}: which column is the label", choices, "--label COLUMN")
        return chosen, f"chosen from {len(choices)} columns that could be it"

    def _label_order(self, name: str) -> tuple[int, int]:
        """Put usual names first, then few classes: a customer of a hundred is less likely what is to be predicted."""
        return names.label_rank(name), self.columns[name].distinct

    def _compares(self, name: str) -> bool:
        """Return whether this is a label that compares two texts, by its name."""
        return names.says_pair(name) and self.columns[name].words < _WORDS

    def _label_candidates(self, texts: Sequence[str]) -> list[str]:
        found = []
        for name, column in self.columns.items():
            if name in texts or column.filled < column.rows / 2 or what_is_wrong(column):
                continue
            if names.is_label_name(name) and not (names.is_text_name(name) and self._is_text(name)):
                found.append(name)
            elif not (names.is_id_name(name) or names.is_group_name(name) or self._is_of_splits(name)):
                is_count = column.numeric == 1 and column.is_unique and all(map(str.isdecimal, column.counts))
                if not is_count and not self._is_text(name) and not self._is_of_pair(name):
                    found.append(name)
        return found

    def _is_of_pair(self, name: str) -> bool:
        """Return whether this is one of two columns of texts by their names, however often the texts repeat."""
        texts = [other for other, column in self.columns.items() if column.words >= _WORDS]
        return name in texts and any(names.is_pair((name, one)) or names.is_pair((one, name)) for one in texts)

    def _is_of_splits(self, name: str) -> bool:
        return self._cells(name) <= _SPLIT_WORDS

    def _without_twins(self, found: Sequence[str]) -> list[str]:
        """Return the columns without those that are the numbers of another one's words, such as label, label_text."""
        twins = set()
        for name in found:
            same = f"{name}_text", f"{name}_name"
            if any(other in found and self._has_counts_of(name, other) for other in same):
                twins.add(name)
        return [name for name in found if name not in twins]

    def _has_counts_of(self, name: str, other: str) -> bool:
        counts = [sorted(self.columns[one].counts.values()) for one in (name, other)]
        return counts[0] == counts[1] and self.columns[other].numeric == 0

    def _why_no_label(self, texts: Sequence[str]) -> str:
        wrong = [
            f"column {quoted(name)} {why}"
            for name, column in self.columns.items()
            if names.is_label_name(name) and name not in texts and (why := what_is_wrong(column))
        ]
        listed = ", ".join(map(quoted, self.columns)) or "none that can be used"
        return wrong[0] if wrong else f"no column looks like classes or scores; the columns are {listed}"

    def _is_text(self, name: str) -> bool:
        column = self.columns[name]
        if column.numeric >= 0.5 or column.distinct < 2:
            return False
        is_varied = column.distinct > MOST_CLASSES or column.distinct >= _REPEATED * column.filled
        return column.words >= _WORDS and is_varied

    def _texts(self, label: str) -> tuple[tuple[str, ...], str]:
        others = [
            name
            for name, column in self.columns.items()
            if name != label and column.filled >= column.rows / 2 and column.numeric < 0.5 and column.distinct > 1
        ]
        named = [name for name in others if names.is_text_name(name)]
        found = [name for name in others if self._is_text(name) and not names.is_id_name(name)]
        found = [*found, *(name for name in named if name not in found and self._may_be_short(name))]
        if names.says_pair(label):  # one of the texts may repeat, such as the entry of a list that a question is about
            repeated = (name for name in others if name not in found and self.columns[name].words >= _WORDS)
            found = [*found, *(name for name in repeated if not names.is_id_name(name))]
        pairs = [
            (one, other)
            for place, one in enumerate(others)
            for other in others[place + 1 :]
            if names.is_pair((one, other))
        ]
        if self.wants_pair is not False and pairs and (self.wants_pair or set(found) <= set(pairs[0]) or not found):
            return pairs[0], "their names say that they are a pair"
        found = found or [name for name in others if not names.is_id_name(name) and name not in self._small(others)]
        if not found or (self.wants_pair and len(found) < 2):
            listed = ", ".join(map(quoted, self.columns)) or "none that can be used"
            option = "--pair COLUMN COLUMN" if self.wants_pair else "--text COLUMN"
            raise UserError(
                f"{self.source}: no column looks like text; the columns are {listed}; name it with {option}"
            )
        if len(found) == 1:
            return (found[0],), "the only column of text"
        if len(found) == 2 and not pairs and self.wants_pair is None and names.says_pair(label):
            return (found[0], found[1]), f"a label named {quoted(label)} compares the two columns of text"
        return self._ask_texts(found, named, pairs)

    def _small(self, columns: Sequence[str]) -> set[str]:
        """Return the columns with so few different cells that they are no text."""
        return {name for name in columns if self.columns[name].distinct < _REPEATED * self.columns[name].filled}

    def _may_be_short(self, name: str) -> bool:
        column = self.columns[name]
        return column.distinct >= _REPEATED * column.filled or column.distinct > MOST_CLASSES

    def _ask_texts(
        self, found: Sequence[str], named: Sequence[str], pairs: Sequence[tuple[str, str]]
    ) -> tuple[tuple[str, ...], str]:
        ordered = sorted(found, key=lambda name: (name not in named, -self.columns[name].words))
        couples = [*pairs, *([] if pairs else [(found[0], found[1])] if len(found) == 2 else [])]
        single = {name: (name,) for name in ordered if not self.wants_pair}
        double = {f"{one} + {other}": (one, other) for one, other in couples if self.wants_pair is not False}
        answers: dict[str, tuple[str, ...]] = {**double, **single} if pairs else {**single, **double}
        if not answers:
            raise UserError(f"{self.source}: which two columns are the pair? Name them with --pair COLUMN COLUMN")
        if len(answers) == 1:
            return next(iter(answers.values())), "as the kind that you gave needs"
        choices = [
            Choice(name, "a pair" if len(columns) == 2 else f"{self.columns[columns[0]].words:.0f} words on average")
            for name, columns in answers.items()
        ]
        option = "--text COLUMN or --pair COLUMN COLUMN"
        chosen = self.questions.choose(f"{self.task}: which column is the text", choices, option)
        return answers[chosen], f"chosen from {len(found)} columns of text"


def _about(column: ColumnProfile) -> str:
    if column.distinct <= 5:
        return ", ".join(sorted(column.counts, key=lambda cell: -column.counts[cell]))[:60]
    return f"{column.distinct:,} different values"
