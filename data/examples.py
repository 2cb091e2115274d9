"""Hold a tokenised split, with the token ids of all sentences in one flat array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from data.array_store import Entry
from data.gold import Labels
from data.ragged import run_indices, run_offsets
from data.tasks import TaskSpec

__all__ = ["Examples", "encode"]

_CHUNK = 8192  # sentences encoded at a time: the library's encodings take some kilobytes each


@dataclass(frozen=True)
class Examples:
    """Examples of one task, tokenised without special tokens or truncation, which are applied per batch.

    Attributes:
        spec: the task.
        ids: one id per example.
        token_ids: token ids of all sentences one after the other, int32; an example's sentences are adjacent.
        offsets: sentence k is ``token_ids[offsets[k]:offsets[k + 1]]``, int64, (n * sentences per example + 1,).
        labels: class indices (int64) or scores (float32), (n,); None if there are none.
        skipped: 'file:line: reason' for each row of the file that was left out.
        rows: :attr:`data.reading.RawSplit.digest` of a whole split; empty for other examples.
        folds: see :attr:`data.reading.RawSplit.folds`.
    """

    spec: TaskSpec
    ids: list[str]
    token_ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]
    labels: Labels | None
    skipped: tuple[str, ...] = ()
    rows: str = ""
    folds: npt.NDArray[np.int64] | None = None

    @classmethod
    def from_sentences(
        cls,
        spec: TaskSpec,
        sentences: Sequence[tuple[str, ...]],
        tokenizer: Tokenizer,
        ids: list[str] | None = None,
        labels: Labels | None = None,
        skipped: Sequence[str] = (),
    ) -> Examples:
        """Tokenise sentences.

        Args:
            spec: the task.
            sentences: one or two per example, as many as the task has.
            tokenizer: with truncation and padding off.
            ids: one per example; None numbers them from 0.
            labels: one per example, or None.
            skipped: rows that were left out, for reference.

        Raises:
            ValueError: if the counts do not match, or the tokenizer truncates or pads.
        """
        _check_counts(spec, sentences, ids, labels)
        if tokenizer.truncation is not None or tokenizer.padding is not None:
            raise ValueError("the tokenizer must not truncate or pad; load it with data.tokenizer.load_tokenizer")
        flat = [sentence for example in sentences for sentence in example]
        token_ids, lengths = encode(flat, tokenizer)
        return cls(
            spec=spec,
            ids=[str(number) for number in range(len(sentences))] if ids is None else ids,
            token_ids=token_ids,
            offsets=run_offsets(lengths),
            labels=labels,
            skipped=tuple(skipped),
        )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def sentences_per_example(self) -> int:
        """Return 1, or 2 for pairs."""
        return len(self.spec.columns.sentences)

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Return the tokens per sentence without special tokens, (n, sentences per example)."""
        return np.diff(self.offsets).reshape(len(self), self.sentences_per_example)

    @cached_property
    def digest(self) -> str:
        """Return the SHA-256 of ids, token ids and labels, 64 hex digits."""
        return Entry(self._arrays, {"ids": self.ids}).digest

    @property
    def _arrays(self) -> dict[str, npt.NDArray[Any]]:
        labels = {} if self.labels is None else {"labels": self.labels}
        return {"token_ids": self.token_ids, "offsets": self.offsets, **labels}

    def to_entry(self) -> Entry:
        """Return everything except the task, for the cache."""
        folds = {} if self.folds is None else {"folds": self.folds}
        return Entry({**self._arrays, **folds}, {"ids": self.ids, "skipped": self.skipped, "rows": self.rows})

    @classmethod
    def from_entry(cls, spec: TaskSpec, entry: Entry) -> Examples:
        """Build examples from what :meth:`to_entry` returned."""
        return cls(
            spec=spec,
            ids=entry.facts["ids"],
            token_ids=entry.arrays["token_ids"],
            offsets=entry.arrays["offsets"],
            labels=entry.arrays.get("labels"),
            skipped=tuple(entry.facts["skipped"]),
            rows=entry.facts.get("rows", ""),
            folds=entry.arrays.get("folds"),
        )

    def subset(self, positions: npt.NDArray[np.int64]) -> Examples:
        """Return the examples at these positions, in this order; all of them share the memory of these."""
        if np.array_equal(positions, np.arange(len(self))):
            return self
        per = self.sentences_per_example
        sentences = (positions[:, None] * per + np.arange(per)).ravel()
        lengths = self.lengths[positions].ravel()
        return Examples(
            spec=self.spec,
            ids=[self.ids[position] for position in positions],
            token_ids=self.token_ids[run_indices(self.offsets[sentences], lengths)],
            offsets=run_offsets(lengths),
            labels=None if self.labels is None else self.labels[positions],
            skipped=self.skipped,
            folds=None if self.folds is None else self.folds[positions],
        )

    def followed_by(self, further: Examples) -> Examples:
        """Return these examples followed by further ones of the same task.

        Raises:
            ValueError: if the further examples belong to another task, or only one of the two has labels.
        """
        if self.spec != further.spec or (self.labels is None) != (further.labels is None):
            raise ValueError(
                f"cannot append examples of task '{further.spec.name}' to those of task '{self.spec.name}': "
                "the tasks differ, or only one of them has labels"
            )
        labels: Labels | None = None
        if self.labels is not None and further.labels is not None:
            # Both arrays have the same of the two label dtypes, which concatenate keeps.
            labels = cast(Labels, np.concatenate((self.labels, further.labels)))
        return Examples(
            spec=self.spec,
            ids=self.ids + further.ids,
            token_ids=np.concatenate((self.token_ids, further.token_ids)),
            offsets=np.concatenate((self.offsets, self.offsets[-1] + further.offsets[1:])),
            labels=labels,
            skipped=self.skipped + further.skipped,
        )


def encode(sentences: Sequence[str], tokenizer: Tokenizer) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Return the token ids of all sentences, flat, and the tokens per sentence."""
    parts, lengths = [np.zeros(0, dtype=np.int32)], [0] * len(sentences)
    for start in range(0, len(sentences), _CHUNK):
        chunk = sentences[start : start + _CHUNK]
        encoded = [encoding.ids for encoding in tokenizer.encode_batch_fast(chunk, add_special_tokens=False)]
        lengths[start : start + len(chunk)] = [len(ids) for ids in encoded]
        parts.append(np.fromiter((index for ids in encoded for index in ids), dtype=np.int32))
    return np.concatenate(parts), np.array(lengths, dtype=np.int64)


def _check_counts(
    spec: TaskSpec, sentences: Sequence[tuple[str, ...]], ids: list[str] | None, labels: Labels | None
) -> None:
    expected = len(spec.columns.sentences)
    for number, example in enumerate(sentences):
        if isinstance(example, str) or len(example) != expected:
            raise ValueError(f"task '{spec.name}' needs {expected} sentence(s), example {number} is {example!r}")
    for name, values in (("ids", ids), ("labels", labels)):
        if values is not None and len(values) != len(sentences):
            raise ValueError(f"got {len(sentences)} examples, but {len(values)} {name}")
