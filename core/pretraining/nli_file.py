"""Pairs of premise and hypothesis from a file, without those that the run's tasks know."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from core.config.pretraining import NliFileConfig
from data.errors import UserError
from data.examples import Examples
from data.reading import parse_split, read_bytes, read_split
from data.tasks import Columns, Kind, SplitFiles, SplitName, TaskSpec

__all__ = ["known_files", "read_nli_pairs"]

_WORD = re.compile(r"\w+")


def read_nli_pairs(config: NliFileConfig, directory: Path, tasks: Sequence[TaskSpec], tokenizer: Tokenizer) -> Examples:
    """The pairs, with classes 0 entailment, 1 neutral, 2 contradiction.

    Args:
        config: the file.
        directory: the data folder.
        tasks: those whose sentences are left out, where the config says so. Sentences are compared by their words: the
            sentences of SICK were made from those of sts without their full stops.
        tokenizer: of the encoder.

    Raises:
        UserError: if the file cannot be read, or nothing is left of it.
    """
    assert config.path is not None, "checked by the config"
    path = directory / config.path
    spec = TaskSpec(
        name="nli",
        kind=Kind.CLASSIFY_PAIR,
        files=SplitFiles(train=config.path, dev=config.path),
        columns=Columns(id=None, sentences=(config.premise, config.hypothesis), label=config.label),
        classes=config.classes,
        metric="accuracy",
    )
    raw = parse_split(spec, "train", read_bytes(path), path)
    assert raw.labels is not None, "rows without a label are refused"
    known: set[str] = set()
    if config.leave_out_known:
        for task, split, _ in known_files(directory, tasks):
            known |= {
                _words(sentence) for example in read_split(task, directory, split).sentences for sentence in example
            }
    kept = [
        position
        for position, pair in enumerate(raw.sentences)
        if not any(_words(sentence) in known for sentence in pair)
    ]
    if not kept:
        raise UserError(
            f"{path}: every pair has a sentence that stands in the tasks' files; nothing is left to train on"
        )
    return Examples.from_sentences(
        spec,
        [raw.sentences[position] for position in kept],
        tokenizer,
        labels=raw.labels[np.array(kept)],
        skipped=raw.skipped,
    )


def known_files(directory: Path, tasks: Sequence[TaskSpec]) -> Iterator[tuple[TaskSpec, SplitName, Path]]:
    """Every split of the tasks that is there; a test file may not have come yet."""
    splits: tuple[SplitName, ...] = ("train", "dev", "test")
    for task in tasks:
        for split in splits:
            name: str | None = getattr(task.files, split)
            if name is not None and (split != "test" or (directory / name).is_file()):
                yield task, split, directory / name


def _words(sentence: str) -> str:
    """A sentence as it is compared: casefolded, without punctuation and with single spaces."""
    return " ".join(_WORD.findall(sentence.casefold()))
