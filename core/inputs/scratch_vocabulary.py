"""Build and keep the vocabulary of an encoder that starts from random weights. It does not import torch."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from tokenizers import Tokenizer

from core.config import RunConfig, ScratchConfig
from core.run.atomic_files import write_atomically
from data.reading import read_bytes, read_split, split_path
from data.vocabulary import build_wordpiece

__all__ = ["scratch_vocabulary", "train_digest"]


def scratch_vocabulary(config: RunConfig, scratch: ScratchConfig, cache_dir: Path) -> Tokenizer:
    """Return the tokenizer whose vocabulary is built from the training sentences of all tasks, or a stored one.

    Raises:
        UserError: if the training files cannot be used.
        MachineError: if the cache cannot be written.
    """
    path = cache_dir / "vocabularies" / f"{train_digest(config)}-{scratch.vocab_size}.json"
    with suppress(Exception):  # the library raises bare Exceptions; a missing or damaged file is written again
        kept: Tokenizer = Tokenizer.from_file(str(path))
        return kept
    sentences = [
        sentence
        for task in config.tasks.values()
        for example in read_split(task.spec, Path(config.data.directory), "train").sentences
        for sentence in example
    ]
    tokenizer = build_wordpiece(sentences, scratch.vocab_size)
    write_atomically(path, tokenizer.to_str().encode())
    return tokenizer


def train_digest(config: RunConfig) -> str:
    """Return a digest of the training files that a vocabulary is built from."""
    digest = hashlib.sha256()
    for name, task in config.tasks.items():
        digest.update(name.encode())
        digest.update(read_bytes(split_path(task.spec, Path(config.data.directory), "train")))
    return digest.hexdigest()
