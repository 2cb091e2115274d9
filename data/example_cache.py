"""Cache tokenised splits on disk, keyed by what they are made from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tokenizers import Tokenizer

from data.array_store import read_entry, write_entry
from data.errors import MachineError
from data.examples import Examples
from data.files import read_bytes, split_path
from data.reading import parse_split
from data.tasks import SplitName, TaskSpec

__all__ = ["load_examples", "load_or_make"]

_FORMAT = 4  # increase it when the same file would give different examples, or entries have other facts


def load_examples(spec: TaskSpec, directory: Path, split: SplitName, tokenizer: Tokenizer, cache_dir: Path) -> Examples:
    """Load the tokenised split of a task; on a cache hit, the raw file is only hashed, not parsed.

    A cache entry is named by task, split and the SHA-256 of the file's bytes, the task's description, the tokenizer
    and the format version, so it is never out of date. A damaged entry is rebuilt.

    Args:
        spec: the task.
        directory: the data folder.
        split: train, dev or test.
        tokenizer: with truncation and padding off.
        cache_dir: folder of the cache, created if missing; several processes may share it.

    Raises:
        UserError: see :func:`data.reading.read_split`.
        MachineError: if the cache cannot be written.
    """
    path = split_path(spec, directory, split)
    content = read_bytes(path)

    def make() -> Examples:
        raw = parse_split(spec, split, content, path)
        examples = Examples.from_sentences(spec, raw.sentences, tokenizer, raw.ids, raw.labels, raw.skipped)
        return replace(examples, rows=raw.digest, folds=raw.folds)

    return load_or_make(spec, cache_dir / f"{spec.name}-{split}-{_key(spec, content, tokenizer)}", make)


def load_or_make(spec: TaskSpec, folder: Path, make: Callable[[], Examples]) -> Examples:
    """Load the examples in ``folder``, whose name identifies them; if they are missing, make and store them.

    Raises:
        MachineError: if the cache cannot be written; also everything that ``make`` raises.
    """
    entry = read_entry(folder)
    if entry is not None:
        return Examples.from_entry(spec, entry)
    examples = make()
    try:
        write_entry(folder, examples.to_entry())
    except OSError as error:
        why = error.strerror or error
        raise MachineError(f"cannot write the token cache to '{folder.parent}': {why}") from error
    stored = read_entry(folder)  # mapped, so that all processes share one copy
    return examples if stored is None else Examples.from_entry(spec, stored)


def _key(spec: TaskSpec, content: bytes, tokenizer: Tokenizer) -> str:
    """Return the key of a split, 40 hex digits."""
    parts = (content, spec.model_dump_json().encode(), tokenizer.to_str().encode(), bytes([_FORMAT]))
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())  # each hashed separately, so that parts cannot run together
    return digest.hexdigest()[:40]
