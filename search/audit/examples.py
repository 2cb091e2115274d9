"""Read the examples of a study's tasks, each with its place in its file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from core.config import RunConfig
from data.files import read_bytes, split_path
from data.reading import RawSplit, parse_split
from data.tasks import SplitName, TaskSpec
from search.audit.findings import Finding, Reason
from search.audit.likeness import Likeness
from search.preflight.data import check_default_folder, listing_faults

__all__ = ["AuditedTask", "read_tasks"]


@dataclass(frozen=True)
class AuditedTask:
    """The splits of a task, in the order train, dev, test.

    Attributes:
        spec: the task.
        splits: train, dev, and test if the task has one.
    """

    spec: TaskSpec
    splits: Mapping[SplitName, RawSplit]

    @property
    def own_splits(self) -> Mapping[SplitName, RawSplit]:
        """The splits with rows of their own: in folds, dev has those of train, and no model is scored on its own."""
        return {split: raw for split, raw in self.splits.items() if split != "dev" or self.spec.folds is None}

    def finding(self, split: SplitName, position: int, reason: Reason, detail: str = "") -> Finding:
        """Return a finding about the example at a position of a split."""
        raw = self.splits[split]
        sentences, line = raw.sentences[position], raw.lines[position]
        return Finding(self.spec.name, split, raw.ids[position], line, reason, detail, sentences, str(raw.path))

    def examples(self) -> Iterator[tuple[SplitName, int, tuple[str, ...]]]:
        """Yield the split, position and sentences of every example of the splits with rows of their own."""
        for split, raw in self.own_splits.items():
            for position, sentences in enumerate(raw.sentences):
                yield split, position, sentences

    @cached_property
    def places(self) -> list[tuple[SplitName, int]]:
        """The split and position of every example, in the order of :attr:`likeness`: train first."""
        return [(split, position) for split, position, _ in self.examples()]

    @cached_property
    def likeness(self) -> Likeness:
        """Which examples of all splits say the same."""
        return Likeness.of([sentences for _, _, sentences in self.examples()])

    def label(self, split: SplitName, position: int) -> str:
        """Return the label of an example in words; empty if it has none."""
        labels = self.splits[split].labels
        if labels is None:
            return ""
        value = labels[position]
        return f"{value:g}" if self.spec.kind.is_score else f"'{self.spec.classes[int(value)]}'"


def read_tasks(base: RunConfig, named_ids: Collection[str], faults: Path) -> dict[str, AuditedTask]:
    """Read every split of every task, as ``search.run`` does before the first trial.

    Args:
        base: the run whose tasks and data folder to read.
        named_ids: tasks whose files must have the id column.
        faults: file to write all malformed rows to, if a split has too many to go on.

    Raises:
        UserError: see :func:`data.reading.read_split`.
    """
    directory = Path(base.data.directory)
    check_default_folder(directory, [task.spec for task in base.tasks.values()])
    tasks = {}
    for name, task in base.tasks.items():
        spec = task.spec
        names: tuple[SplitName, ...] = ("train", "dev", "test") if spec.files.test else ("train", "dev")
        splits: dict[SplitName, RawSplit] = {}
        for split in names:
            path = split_path(spec, directory, split)
            with listing_faults(faults):
                splits[split] = parse_split(spec, split, read_bytes(path), path, needs_id=name in named_ids)
        tasks[name] = AuditedTask(spec, splits)
    return tasks
