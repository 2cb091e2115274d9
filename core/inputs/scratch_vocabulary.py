"""Build and keep the vocabulary of an encoder that starts from random weights. It does not import torch."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from tokenizers import Tokenizer

from core.config import RunConfig, ScratchConfig
from core.run.atomic_files import write_atomically
from data.files import read_bytes, split_path
from data.reading import read_split
from data.vocabulary import build_wordpiece

__all__ = ["scratch_vocabulary", "train_digest"]

_CHECKSUM, _TOKENIZER = "sha256", "tokenizer"  # keys of a stored file


def scratch_vocabulary(config: RunConfig, scratch: ScratchConfig, cache_dir: Path) -> Tokenizer:
    """Return the tokenizer whose vocabulary is built from the training sentences of all tasks, or a stored one.

    Raises:
        UserError: if the training files cannot be used.
        MachineError: if the cache cannot be written.
    """
    path = cache_dir / "vocabularies" / f"{train_digest(config)}-{scratch.vocab_size}.json"
    if (kept := _read(path)) is not None:
        return kept
    sentences = [
        sentence
        for task in config.tasks.values()
        for example in read_split(task.spec, Path(config.data.directory), "train").sentences
        for sentence in example
    ]
    tokenizer = build_wordpiece(sentences, scratch.vocab_size)
    content = tokenizer.to_str()
    write_atomically(path, json.dumps({_CHECKSUM: _sha256(content), _TOKENIZER: content}).encode())
    return tokenizer


def train_digest(config: RunConfig) -> str:
    """Return a digest of what a vocabulary is built from: the training files, and how the tasks read them."""
    digest = hashlib.sha256()
    for task in config.tasks.values():
        content = read_bytes(split_path(task.spec, Path(config.data.directory), "train"))
        for part in (task.spec.model_dump_json().encode(), content):
            digest.update(hashlib.sha256(part).digest())  # each hashed separately, so that parts cannot run together
    return digest.hexdigest()


def _read(path: Path) -> Tokenizer | None:
    """Return a stored tokenizer; None if the file is missing or damaged, so that it must be built again."""
    with suppress(Exception):  # the library raises bare Exceptions
        stored = json.loads(path.read_bytes())
        if _sha256(stored[_TOKENIZER]) == stored[_CHECKSUM]:
            kept: Tokenizer = Tokenizer.from_str(stored[_TOKENIZER])
            return kept
    return None


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
