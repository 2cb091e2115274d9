"""Identify an encoder by the content of its files, wherever they are. It does not import torch."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from data.errors import UnavailableError
from data.tokenizer_settings import TOKENIZER_FILES

__all__ = ["CONFIG", "PICKLED_WEIGHTS", "SHARD_INDEX", "WEIGHTS", "EncoderContent", "FileStamp", "weight_stamps"]

CONFIG: Final = "config.json"
WEIGHTS: Final = "model.safetensors"
SHARD_INDEX: Final = "model.safetensors.index.json"
PICKLED_WEIGHTS: Final = "pytorch_model.bin"

FileStamp = tuple[str, int, int, int]
"""Name of a file, its inode, its size in bytes, and when it was last changed, in nanoseconds."""

_COMMIT: Final = re.compile("[0-9a-f]{40}")


@dataclass(frozen=True)
class EncoderContent:
    """What an encoder is, by content; two encoders that are equal in all but the commit are the same.

    Attributes:
        config: SHA-256 of ``config.json``, 64 hex digits; None for an encoder that starts from random weights.
        weights: of the files of the weights; None likewise.
        tokenizer: of the files that the tokenizer is read from, or of a vocabulary that was built from the data.
        commit: of the repository on the Hugging Face Hub, if the files are a snapshot of one.
    """

    config: str | None
    weights: str | None
    tokenizer: str
    commit: str | None = None

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the files in an encoder's folder; hashing takes a second or two per gigabyte.

        Raises:
            UnavailableError: if one cannot be read.
        """
        try:
            return cls(
                _digest(folder, [CONFIG]),
                _digest(folder, _weight_names(folder)),
                _digest(folder, _tokenizer_names(folder)),
                folder.name if folder.parent.name == "snapshots" and _COMMIT.fullmatch(folder.name) else None,
            )
        except OSError as error:
            raise UnavailableError(f"{error.filename}: cannot read the file: {error.strerror or error}") from error

    @classmethod
    def of_vocabulary(cls, vocabulary: Mapping[str, int]) -> Self:
        """Return the content of an encoder that starts from random weights, with this vocabulary: token -> id."""
        return cls(None, None, hashlib.sha256(json.dumps(vocabulary, sort_keys=True).encode()).hexdigest())

    @classmethod
    def from_json(cls, table: Mapping[str, Any]) -> Self:
        """Return what :meth:`to_json` was called on; later versions may have added entries."""
        return cls(table.get("config"), table.get("weights"), table["tokenizer"], table.get("commit"))

    def to_json(self) -> dict[str, str]:
        """Return JSON data."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def changes(self, other: EncoderContent) -> list[str]:
        """Return the names of the parts in which another encoder differs."""
        return [name for name in ("config", "weights", "tokenizer") if getattr(self, name) != getattr(other, name)]


def weight_stamps(folder: Path) -> tuple[FileStamp, ...]:
    """Return the stamps of the files that weights are read from; a file that cannot be read has none."""
    stamps: list[FileStamp] = []
    with suppress(OSError):
        for name in _weight_names(folder):
            found = (folder / name).stat()
            stamps.append((name, found.st_ino, found.st_size, found.st_mtime_ns))
    return tuple(stamps)


def _weight_names(folder: Path) -> list[str]:
    """Return the names of the files that weights are read from; see ``weight_files``."""
    if (folder / WEIGHTS).is_file() or not (folder / SHARD_INDEX).is_file():
        return [WEIGHTS if (folder / WEIGHTS).is_file() else PICKLED_WEIGHTS]
    try:
        shards = json.loads((folder / SHARD_INDEX).read_text(encoding="utf-8"))["weight_map"].values()
        there = {Path(str(shard)).name for shard in shards}
    except (ValueError, KeyError, TypeError, AttributeError):  # reported when the weights are read
        there = set()
    return [SHARD_INDEX, *sorted(name for name in there if (folder / name).is_file())]


def _tokenizer_names(folder: Path) -> list[str]:
    whole, vocabulary, *others = TOKENIZER_FILES
    return [
        whole if (folder / whole).is_file() else vocabulary,
        *(name for name in others if (folder / name).is_file()),
    ]


def _digest(folder: Path, names: Sequence[str]) -> str:
    """Return the SHA-256 of a file; of several, that of a list of their names and digests."""
    digests = []
    for name in names:
        with (folder / name).open("rb") as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("".join(map("{} {}\n".format, names, digests)).encode()).hexdigest()
