"""Find out by their names which files, or splits of a Hub data set, are the train, dev and test of a task."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from data.errors import UserError, did_you_mean
from data.splitting.split_rule import SPLIT_WORDS
from data.tables.hub_sets import HUB, fetch_hub_set, is_hub_name
from data.tasks import SplitName

__all__ = ["SUFFIXES", "TaskFiles", "data_folder", "task_files"]

SUFFIXES: Final = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")
"""How the names of data files in a folder end; ``.gz`` may follow."""

_SPLITS: Final = {word: name for name, words in SPLIT_WORDS.items() for word in words}
_SPLIT: Final = re.compile(rf"(?<![a-z])({'|'.join(sorted(_SPLITS, key=len, reverse=True))})(?![a-z])")
_SHARD: Final = re.compile(r"\d+-of-\d+")  # in names of the Hugging Face Hub: train-00000-of-00001.parquet
_BETWEEN: Final = " ._-"


@dataclass(frozen=True)
class TaskFiles:
    """The files of a task.

    Attributes:
        key: what their names have in common; empty if they consist of the split alone, such as ``train.csv``.
        train: the training file.
        dev, test: the files of these splits; None without one.
        hub_set: the data set of the Hub whose splits they are; None of others.
        unused: names of further splits for dev or test.
    """

    key: str
    train: Path
    dev: Path | None = None
    test: Path | None = None
    hub_set: str | None = None
    unused: tuple[str, ...] = ()

    @property
    def named(self) -> dict[SplitName, Path]:
        """Return the files by split."""
        files: dict[SplitName, Path | None] = {"train": self.train, "dev": self.dev, "test": self.test}
        return {split: path for split, path in files.items() if path is not None}


@dataclass(frozen=True)
class _Named:
    """A file, and what its name says: the split, or None, and what it shares with the task's other files."""

    path: Path
    split: str | None
    key: str

    @classmethod
    def of(cls, path: Path) -> _Named:
        stem = _SHARD.sub("", _stem(path.name))
        lower = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", stem).lower()
        found = list(_SPLIT.finditer(lower))
        if not found:
            return cls(path, None, lower.strip(_BETWEEN))
        before, after = lower[: found[-1].start()].strip(_BETWEEN), lower[found[-1].end() :].strip(_BETWEEN)
        return cls(path, _SPLITS[found[-1][1]], before or after)


def task_files(paths: Sequence[Path]) -> list[TaskFiles]:
    """Group files into tasks.

    Files of a folder whose names differ in a word for the split (``mood-train.csv``, ``mood-dev.csv``) are one task. Of
    a folder, all data files are used, though not those of folders within it; of a single file, also the files of the
    other splits next to it.

    Args:
        paths: files, folders, and names of Hub data sets such as ``hub:SetFit/sst5``, whose tasks come last.

    Raises:
        UserError: a path does not exist, a folder has no data file, a task has no training file, two files could be
            the same split, or a Hub data set cannot be loaded.
    """
    of_hub = [_of_hub_set(str(path)) for path in paths if is_hub_name(path)]
    groups: dict[tuple[Path, str], list[_Named]] = {}
    for path in (path for path in paths if not is_hub_name(path)):
        for one in _of_folder(path) if path.is_dir() else _with_siblings(_existing(path)):
            group = groups.setdefault((one.path.parent, one.key), [])
            if one not in group:
                group.append(one)
    return [*(_as_task(key, group) for (_, key), group in groups.items()), *of_hub]


def data_folder(files: Iterable[TaskFiles]) -> Path | None:
    """Return the innermost folder that contains all files, relative to the working directory if it is below it.

    None if there are only splits of Hub data sets.
    """
    folders = [path.absolute().parent for one in files if one.hub_set is None for path in one.named.values()]
    return _short(os.path.commonpath(folders)) if folders else None


def _of_hub_set(name: str) -> TaskFiles:
    """Return the splits of a Hub data set; of several dev or test splits, the one whose name comes first."""
    places: dict[str, Path] = {}
    unused = []
    for path in _data_files(fetch_hub_set(name)):
        found = _SPLIT.search(path.stem.lower())
        if found is None or _SPLITS[found[1]] in places:
            unused.append(path.stem)
        else:
            places[_SPLITS[found[1]]] = path
    if "train" not in places:
        raise UserError(f"'{name}' has no split for training")
    key = re.sub(r"@[^/]*", "", name.removeprefix(HUB)).rpartition("/")[2]
    return TaskFiles(key, places["train"], places.get("dev"), places.get("test"), name, tuple(unused))


def _short(path: str) -> Path:
    """Return a path relative to the working directory if it is below it."""
    below = os.path.relpath(path)
    return Path(path if below.startswith("..") else below)


def _existing(path: Path) -> Path:
    if not path.exists():
        near = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
        here = "" if path.is_absolute() else f"; you are in '{Path.cwd()}'"
        raise UserError(f"no file or folder '{path}'{did_you_mean(path.name, near) or here}")
    return _short(os.path.normpath(path.absolute()))  # without '..', but through symbolic links as they are named


def _of_folder(folder: Path) -> list[_Named]:
    files = _data_files(_existing(folder))
    if not files:
        kinds = ", ".join(suffix.lstrip(".") for suffix in SUFFIXES)
        raise UserError(f"'{folder}' has no data files ({kinds}, each also with .gz)")
    return [_Named.of(path) for path in files]


def _data_files(folder: Path) -> list[Path]:
    def is_data(path: Path) -> bool:
        return path.name.lower().removesuffix(".gz").endswith(SUFFIXES) and path.is_file()

    return sorted(path for path in folder.iterdir() if is_data(path) and not path.name.startswith("."))


def _with_siblings(path: Path) -> list[_Named]:
    """Return a file, and the files of its task's other splits in its folder."""
    own = _Named.of(path)
    others = [one for one in map(_Named.of, _data_files(path.parent)) if one.key == own.key and one.path != path]
    others = [one for one in others if one.split != own.split]
    has_train = any(one.split == "train" for one in others)
    if own.split is None:
        # Next to a training file that says so, this is a table of its own.
        return [own] if has_train else [own, *others]
    return [own, *(one for one in others if one.split or not (has_train or own.split == "train"))]


def _stem(name: str) -> str:
    stem = name[:-3] if name.lower().endswith(".gz") else name
    return stem[: -len(Path(stem).suffix)] if Path(stem).suffix.lower() in (*SUFFIXES, ".txt") else stem


def _as_task(key: str, group: list[_Named]) -> TaskFiles:
    places: dict[str, _Named] = {}
    for one in group:
        split = one.split or "train"
        if split in places:
            first = places[split].path
            raise UserError(
                f"'{first}' and '{one.path.name}' could both be the {split} file of one task; name the files to use, "
                "or give one of them another name"
            )
        places[split] = one
    if "train" not in places:
        odd = group[0]
        raise UserError(
            f"'{odd.path}' is named like a {odd.split} file, and no training file is next to it; give the training "
            "file too, or rename this one"
        )
    found = {split: one.path for split, one in places.items()}
    return TaskFiles(key, found["train"], found.get("dev"), found.get("test"))
