"""A look at all data before a study starts, so that bad data ends it in its first second, not in its first trial."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from core.config import RunConfig, TaskConfig
from data.overlap import count_overlap
from data.reading import RawSplit, read_split
from data.tasks import SplitName

__all__ = ["DataReport", "check_data"]


@dataclass(frozen=True)
class DataReport:
    """What the data is like.

    Attributes:
        sizes: examples per task and split; a task without a test file has no such entry.
        warnings: rows left out, and dev or test sentences that also stand in train; a line each.
        digest: SHA-256 over all files, 64 hex digits.
    """

    sizes: dict[str, dict[SplitName, int]]
    warnings: tuple[str, ...]
    digest: str


def check_data(config: RunConfig) -> DataReport:
    """Read every split of every task.

    Raises:
        UserError: if a file is missing, has wrong columns or too many malformed rows; see :mod:`data.reading`.
    """
    directory = Path(config.data.directory)
    sizes: dict[str, dict[SplitName, int]] = {}
    warnings: list[str] = []
    digest = hashlib.sha256()
    for name, task in config.tasks.items():
        splits = _read(task, directory)
        sizes[name] = {split: len(raw) for split, raw in splits.items()}
        for split, raw in splits.items():
            digest.update(f"{name} {split} ".encode() + raw.path.read_bytes())
            warnings += [f"skipped {row}" for row in raw.skipped]
            if split != "train":
                shared = count_overlap(splits["train"], raw).warning(name, split)
                warnings += [] if shared is None else [shared]
    return DataReport(sizes, tuple(warnings), digest.hexdigest())


def _read(task: TaskConfig, directory: Path) -> dict[SplitName, RawSplit]:
    splits: tuple[SplitName, ...] = ("train", "dev", "test") if task.spec.files.test else ("train", "dev")
    return {split: read_split(task.spec, directory, split) for split in splits}
