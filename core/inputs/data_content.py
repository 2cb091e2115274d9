"""Identify what a run trains on by content. Does not import torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from core.config import RunConfig
from core.inputs.augmentation import TaskAugmentation
from data.files import file_digests

__all__ = ["DataContent", "nli_contents"]


@dataclass(frozen=True)
class DataContent:
    """What the data of a study are, by content.

    Attributes:
        rows: SHA-256 of the parsed rows by task and split, and of further examples by task and source.
        files: SHA-256 of the bytes of each file of further examples or NLI pairs, by its path in the configuration.
    """

    rows: Mapping[str, Mapping[str, str]]
    files: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, table: Mapping[str, Any]) -> Self:
        """Return what :meth:`to_json` was called on; later versions may have added entries."""
        return cls(table["rows"], table["files"])

    def to_json(self) -> dict[str, Any]:
        """Return JSON data."""
        return asdict(self)

    def changed_files(self, config: RunConfig, answers_dir: Path) -> list[str]:
        """Name the files of a run's further examples and NLI pairs that have changed; those that are missing have not.

        Raises:
            UnavailableError: if one cannot be read.
        """
        found = {}
        for task in config.tasks:
            for path, digest in TaskAugmentation(config, task, answers_dir).contents.items():
                found[path] = digest, f"the file {path} of further examples of task '{task}'"
        for path, digest in nli_contents(config).items():
            found[path] = digest, f"the file {path} of pretraining.nli_file"
        return [name for path, (digest, name) in found.items() if self.files.get(path, digest) != digest]


def nli_contents(config: RunConfig) -> dict[str, str]:
    """Return the SHA-256 of the NLI file of a run by its path in the configuration, if there is one.

    Raises:
        UnavailableError: if it cannot be read.
    """
    path = config.pretraining.nli_file.path
    if path is None or not config.pretraining.reads_nli_file:
        return {}
    return file_digests(Path(config.data.directory), [path])
