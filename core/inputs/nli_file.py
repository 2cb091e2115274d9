"""Pairs of premise and hypothesis from a file, without those that the run's tasks know. Without torch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from core.config.pretraining import NliFileConfig
from data.errors import UserError
from data.examples import Examples
from data.reading import RawSplit, find_file, parse_split, read_bytes, read_split
from data.tasks import Columns, Kind, SplitFiles, SplitName, TaskSpec

__all__ = ["known_files", "known_sentences", "new_pairs", "read_nli_file", "read_nli_pairs"]

_WORD = re.compile(r"\w+")


def read_nli_file(config: NliFileConfig, directory: Path) -> RawSplit:
    """All pairs of the file, with classes 0 entailment, 1 neutral, 2 contradiction.

    Args:
        config: the file.
        directory: the data folder.

    Raises:
        UserError: if it is not there, has no such columns, or rows that cannot be used; see :mod:`data.reading`.
    """
    assert config.path is not None, "checked by the config"
    try:
        path = find_file(directory, config.path, "no file")
        return parse_split(_spec(config), "train", read_bytes(path), path)
    except UserError as error:
        raise UserError(f"pretraining.nli_file: {error}") from error


def known_files(directory: Path, tasks: Sequence[TaskSpec]) -> Iterator[tuple[TaskSpec, SplitName, Path]]:
    """Every split of the tasks that is there; a test file may not have come yet."""
    splits: tuple[SplitName, ...] = ("train", "dev", "test")
    for task in tasks:
        for split in splits:
            name: str | None = getattr(task.files, split)
            if name is not None and (split != "test" or (directory / name).is_file()):
                yield task, split, directory / name


def known_sentences(directory: Path, tasks: Sequence[TaskSpec]) -> frozenset[str]:
    """What stands in :func:`known_files`, as :func:`new_pairs` compares it."""
    return frozenset(
        _words(sentence)
        for task, split, _ in known_files(directory, tasks)
        for example in read_split(task, directory, split).sentences
        for sentence in example
    )


def new_pairs(pairs: RawSplit, known: AbstractSet[str]) -> list[int]:
    """The positions of the pairs of which no sentence is known.

    Sentences are compared by their words: the sentences of SICK were made from those of sts without their full stops.

    Raises:
        UserError: if there is none.
    """
    kept = [
        position
        for position, pair in enumerate(pairs.sentences)
        if not any(_words(sentence) in known for sentence in pair)
    ]
    if not kept:
        raise UserError(
            f"{pairs.path}: every pair has a sentence that stands in the tasks' files; nothing is left to train on"
        )
    return kept


def read_nli_pairs(config: NliFileConfig, directory: Path, tasks: Sequence[TaskSpec], tokenizer: Tokenizer) -> Examples:
    """The pairs that a run is trained on, as examples of the classes of :func:`read_nli_file`.

    Args:
        config: the file.
        directory: the data folder.
        tasks: those whose sentences are left out, where the config says so.
        tokenizer: of the encoder.

    Raises:
        UserError: if the file cannot be used, or nothing is left of it.
    """
    raw = read_nli_file(config, directory)
    assert raw.labels is not None, "rows without a label are refused"
    kept = new_pairs(raw, known_sentences(directory, tasks) if config.leave_out_known else frozenset())
    return Examples.from_sentences(
        _spec(config),
        [raw.sentences[position] for position in kept],
        tokenizer,
        labels=raw.labels[np.array(kept)],
        skipped=raw.skipped,
    )


def _spec(config: NliFileConfig) -> TaskSpec:
    assert config.path is not None, "checked by the config"
    return TaskSpec(
        name="nli",
        kind=Kind.CLASSIFY_PAIR,
        files=SplitFiles(train=config.path, dev=config.path),
        columns=Columns(id=None, sentences=(config.premise, config.hypothesis), label=config.label),
        classes=config.classes,
        metric="accuracy",
    )


def _words(sentence: str) -> str:
    """A sentence as it is compared: casefolded, without punctuation and with single spaces."""
    return " ".join(_WORD.findall(sentence.casefold()))
