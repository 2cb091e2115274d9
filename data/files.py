"""Find and read the files of a data folder; what is missing may be back in a moment."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from data.errors import UnavailableError, UserError, did_you_mean
from data.tables.hub_sets import hub_file, is_hub_name
from data.tasks import SplitName, TaskSpec

__all__ = ["file_digests", "find_file", "read_bytes", "split_path"]

_SPLIT_WORDS = {
    split: re.compile(rf"(?<![a-z])({words})(?![a-z])")
    for split, words in (("train", "train(ing)?"), ("dev", "dev|val|valid(ation)?"), ("test", "test"))
}


def split_path(spec: TaskSpec, directory: Path, split: SplitName) -> Path:
    """Return the file of a split.

    Raises:
        UserError: if the task has no such file.
        UnavailableError: if the folder or the file does not exist.
    """
    name: str | None = getattr(spec.files, split)
    if name is None:
        raise UserError(f"task '{spec.name}' has no {split} file; set files.{split} of the task")
    return find_file(directory, name, f"task '{spec.name}': no {split} file")


def find_file(directory: Path, name: str, missing: str) -> Path:
    """Return a file of the data folder.

    Args:
        directory: the folder.
        name: name of the file, relative to the folder; or ``hub:SET/SPLIT.parquet``, see :mod:`data.tables.hub_sets`.
        missing: begins the message if there is no such file.

    Raises:
        UnavailableError: if the folder or the file does not exist (the message suggests the most similar name), or
            the folder cannot be read.
        UserError: if a Hub data set cannot be loaded.
    """
    if (hub_name := _in_hub_set(directory, name)) is not None:
        return hub_file(hub_name)
    path = directory / name
    try:
        if path.is_file():
            return path
        of_split = _split_words(path.name)
        names = [file.name for file in directory.iterdir() if _split_words(file.name) == of_split]
    except (FileNotFoundError, NotADirectoryError):
        raise UnavailableError(
            f"no data folder '{directory}'; it should contain {name} and the other files of the tasks"
        ) from None
    except OSError as error:
        raise UnavailableError(f"{path}: cannot read the file: {error.strerror or error}") from error
    raise UnavailableError(f"{missing} '{path}'{did_you_mean(path.name, names)}")


def _in_hub_set(directory: Path, name: str) -> str | None:
    """Return the name of a split of a Hub data set; None if the file is elsewhere."""
    if is_hub_name(name):
        return name
    return f"{directory}/{name}" if is_hub_name(directory) else None


def _split_words(name: str) -> set[str]:
    """Return the splits that a file's name is about, so that no split is suggested in place of another one."""
    return {split for split, word in _SPLIT_WORDS.items() if word.search(name.lower())}


def read_bytes(path: Path) -> bytes:
    """Read the content of a data file.

    Raises:
        UnavailableError: if it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnavailableError(f"{path}: cannot read the file: {error.strerror or error}") from error


def file_digests(directory: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of the bytes of files of the data folder by name, 64 hex digits; of those that are there.

    Raises:
        UnavailableError: if one cannot be read.
    """
    there = {name: path for name in names if (path := _existing(directory, name)) is not None}
    return {name: hashlib.sha256(read_bytes(path)).hexdigest() for name, path in there.items()}


def _existing(directory: Path, name: str) -> Path | None:
    if (hub_name := _in_hub_set(directory, name)) is not None:
        return hub_file(hub_name)
    return directory / name if (directory / name).is_file() else None
