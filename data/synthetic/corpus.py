"""Write a synthetic corpus for sst, para and sts in the format of the course's files.

The corpus has a real signal and noisy labels. A tiny BERT learns it from random weights within some ten thousand
examples, and it is read like the course's files::

    python -m data.synthetic --out corpus --train 6000 --dev 500 --test 500 --seed 0
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from data.errors import MachineError, UserError
from data.synthetic.questions import draw_question_pair
from data.synthetic.reviews import draw_review
from data.synthetic.scenes import draw_scene_pair
from data.task_files import builtin_tasks
from data.tasks import TaskSpec

__all__ = ["LARGEST", "TASKS", "Sizes", "main", "write_corpus"]

TASKS = ("sst", "para", "sts")

LARGEST = 200_000
"""Maximum examples of a task in its three splits together: beyond this, the grammar would mostly repeat itself."""

Sizes = int | Mapping[str, int]
"""Examples of a split: the same number for every task, or one for each."""

_MARKER = "synthetic.json"  # marks the folder's files as ours to overwrite
_ID_DIGITS = 25  # as in the course's files
_SPLITS = ("test", "dev", "train")  # train last, so that dev and test do not depend on its size


@dataclass(frozen=True)
class _Example:
    sentences: tuple[str, ...]
    label: str  # as the course writes it


def _review(rng: np.random.Generator) -> _Example:
    review = draw_review(rng)
    return _Example((review.text,), str(review.label))


def _question_pair(rng: np.random.Generator) -> _Example:
    pair = draw_question_pair(rng)
    return _Example((pair.first, pair.second), str(float(pair.duplicate)))


def _scene_pair(rng: np.random.Generator) -> _Example:
    pair = draw_scene_pair(rng)
    return _Example((pair.first, pair.second), str(pair.score))


_DRAW: dict[str, Callable[[np.random.Generator], _Example]] = {
    "sst": _review,
    "para": _question_pair,
    "sts": _scene_pair,
}


def write_corpus(directory: Path, train: Sizes, dev: Sizes, test: Sizes, seed: int = 0) -> None:
    """Write train, dev and test files of sst, para and sts.

    The same arguments give the same bytes. Within a task no sentence occurs twice, so no sentence of dev or test is in
    train. A larger train set begins with the smaller one. Each file is written completely or not at all, and a file
    that is already correct is left alone.

    Args:
        directory: created if missing; it must not contain real data files of these names.
        train: examples of the train split, >= 1; a number for every task, or a mapping task -> number.
        dev: examples of the dev split, likewise.
        test: examples of the test split, likewise; its files have no labels.
        seed: >= 0.

    Raises:
        UserError: for sizes or a seed out of range, and for a folder whose files are not synthetic.
        MachineError: if the files cannot be written.
    """
    sizes = {"test": _per_task("test", test), "dev": _per_task("dev", dev), "train": _per_task("train", train)}
    for task in TASKS:
        total = sum(sizes[split][task] for split in _SPLITS)
        if total > LARGEST:
            raise UserError(
                f"{task}: train, dev and test together must have at most {LARGEST:,} examples, got {total:,}"
            )
    if seed < 0:
        raise UserError(f"seed must be >= 0, got {seed}")
    specs = builtin_tasks()
    _claim(directory, {"seed": seed, "sizes": sizes}, [_file_name(specs[t], s) for t in TASKS for s in _SPLITS])
    for task in TASKS:
        seen: set[str] = set()
        for number, split in enumerate(_SPLITS):
            rng = np.random.default_rng([seed, TASKS.index(task), number])
            examples = _distinct(_DRAW[task], rng, sizes[split][task], seen)
            text = "".join(_lines(specs[task], split, examples, seed))
            _write(directory / _file_name(specs[task], split), text)


def _per_task(split: str, sizes: Sizes) -> dict[str, int]:
    numbers = dict.fromkeys(TASKS, sizes) if isinstance(sizes, int) else dict(sizes)
    if set(numbers) != set(TASKS):
        raise UserError(
            f"{split} must have the sizes of exactly {', '.join(TASKS)}, got {', '.join(numbers) or 'none'}"
        )
    for task, size in numbers.items():
        if size < 1:
            raise UserError(f"{split} size of {task} must be >= 1, got {size}")
    return {task: numbers[task] for task in TASKS}


def _distinct(
    draw: Callable[[np.random.Generator], _Example], rng: np.random.Generator, size: int, seen: set[str]
) -> list[_Example]:
    """Draw examples without sentences in ``seen``, and add their sentences to it."""
    examples: list[_Example] = []
    while len(examples) < size:
        example = draw(rng)
        if len(set(example.sentences)) == len(example.sentences) and seen.isdisjoint(example.sentences):
            seen.update(example.sentences)
            examples.append(example)
    return examples


def _lines(spec: TaskSpec, split: str, examples: Iterable[_Example], seed: int) -> Iterable[str]:
    """Yield the lines of a file: an unnamed column of row numbers, ids, sentences and, except for test, labels."""
    is_test = split == "test"
    # The course's sst test file has two columns of row numbers, the first named 0.
    twice = is_test and spec.name == "sst"
    header = [*(["0", ""] if twice else [""]), str(spec.columns.id), *spec.columns.sentences]
    yield _line([*header, *([] if is_test else [spec.columns.label])])
    for row, example in enumerate(examples):
        numbers = [str(row + 1), str(float(row))] if twice else [str(row)]
        key = "\t".join([str(seed), spec.name, *example.sentences])
        example_id = hashlib.sha256(key.encode()).hexdigest()[:_ID_DIGITS]
        yield _line([*numbers, example_id, *example.sentences, *([] if is_test else [example.label])])


def _line(cells: Iterable[str]) -> str:
    return "\t".join(cells) + "\n"  # the grammar produces neither tabs nor quotes


def _file_name(spec: TaskSpec, split: str) -> str:
    return str(getattr(spec.files, split))


def _claim(directory: Path, made_from: dict[str, object], names: list[str]) -> None:
    """Create the folder and mark its files as synthetic, unless real data would be overwritten."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MachineError(f"cannot create the folder '{directory}': {error.strerror}") from error
    if not (directory / _MARKER).exists():
        for name in names:
            if (directory / name).exists():
                raise UserError(f"'{directory / name}' is not synthetic and would be overwritten; use another folder")
    # Before the data, so that a run killed half-way can be repeated.
    _write(directory / _MARKER, json.dumps({"made_by": "data.synthetic", **made_from}, indent=2) + "\n")


def _write(path: Path, text: str) -> None:
    content = text.encode()
    try:
        if not (path.is_file() and path.read_bytes() == content):
            _replace(path, content)
    except OSError as error:
        raise MachineError(f"cannot write '{path}': {error.strerror or error}") from error


def _replace(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    scratch = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        scratch.chmod(0o644)  # mkstemp's files are readable only by their owner
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def main(
    out: Annotated[Path, typer.Option(help="Folder for the files; created if missing.")],
    train: Annotated[int, typer.Option(help="Training examples of each task.")] = 6000,
    dev: Annotated[int, typer.Option(help="Dev examples of each task.")] = 500,
    test: Annotated[int, typer.Option(help="Test examples of each task; their files have no labels.")] = 500,
    seed: Annotated[int, typer.Option(help="Random seed; the same seed gives the same files.")] = 0,
) -> None:
    """Write a synthetic corpus for sst, para and sts in the course's file format."""
    try:
        write_corpus(out, train=train, dev=dev, test=test, seed=seed)
    except UserError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    typer.echo(f"{len(TASKS)} tasks, {train:,} / {dev:,} / {test:,} examples each, in {out}")
