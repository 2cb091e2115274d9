"""Read NLI pairs from a file, without those that contain a sentence of the run's tasks. Does not import torch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from core.config.pretraining import NliFileConfig
from data.errors import UnavailableError, UserError
from data.examples import Examples
from data.files import find_file, read_bytes, split_path
from data.reading import RawSplit, parse_split, read_split
from data.tasks import Columns, Kind, SplitFiles, SplitName, TaskSpec

__all__ = ["known_files", "known_sentences", "new_pairs", "read_nli_file", "read_nli_pairs"]

_WORD = re.compile(r"\w+")


def read_nli_file(config: NliFileConfig, directory: Path) -> RawSplit:
    """Read all pairs of the file, with classes 0 entailment, 1 neutral, 2 contradiction.

    Args:
        config: the file.
        directory: the data folder.

    Raises:
        UserError: if the file or a column is missing, or rows cannot be used; see :mod:`data.reading`.
    """
    assert config.path is not None, "checked by the config"
    try:
        path = find_file(directory, config.path, "no file")
        return parse_split(_spec(config), "train", read_bytes(path), path)
    except UserError as error:
        kind = UnavailableError if isinstance(error, UnavailableError) else UserError
        raise kind(f"pretraining.nli_file: {error}") from error


def known_files(directory: Path, tasks: Sequence[TaskSpec]) -> Iterator[tuple[TaskSpec, SplitName, Path]]:
    """Yield every existing split file of the tasks; a test file may not exist yet.

    Raises:
        UserError: another one does not exist; see :func:`data.files.find_file`.
    """
    splits: tuple[SplitName, ...] = ("train", "dev", "test")
    for task in tasks:
        for split in splits:
            if getattr(task.files, split) is None:
                continue
            try:
                yield task, split, split_path(task, directory, split)
            except UnavailableError:
                if split != "test":
                    raise


def known_sentences(directory: Path, tasks: Sequence[TaskSpec]) -> frozenset[str]:
    """Return the sentences of :func:`known_files`, normalised as :func:`new_pairs` compares them."""
    return frozenset(
        _words(sentence)
        for task, split, _ in known_files(directory, tasks)
        for example in read_split(task, directory, split).sentences
        for sentence in example
    )


def new_pairs(pairs: RawSplit, known: AbstractSet[str]) -> list[int]:
    """Return the positions of the pairs without a known sentence.

    Sentences are compared by their words, because the sentences of SICK were made from those of sts without their full
    stops.

    Raises:
        UserError: if every pair has a known sentence.
    """
    kept = [
        position
        for position, pair in enumerate(pairs.sentences)
        if not any(_words(sentence) in known for sentence in pair)
    ]
    if not kept:
        raise UserError(
            f"{pairs.path}: every pair has a sentence that is also in the tasks' files; nothing is left to train on"
        )
    return kept


def read_nli_pairs(config: NliFileConfig, directory: Path, tasks: Sequence[TaskSpec], tokenizer: Tokenizer) -> Examples:
    """Read the pairs that a run is trained on, as examples of the classes of :func:`read_nli_file`.

    Args:
        config: the file.
        directory: the data folder.
        tasks: tasks whose sentences are left out, if the config says so.
        tokenizer: tokenizer of the encoder.

    Raises:
        UserError: if the file cannot be used, or every pair has a known sentence.
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
        quoting=config.quoting,
    )


def _words(sentence: str) -> str:
    """Normalise a sentence for comparison: casefolded, without punctuation and with single spaces."""
    return " ".join(_WORD.findall(sentence.casefold()))
