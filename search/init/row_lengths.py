"""Measure how many tokens rows have, or estimate it without the encoder's tokenizer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from tokenizers import Tokenizer

__all__ = ["RowLengths", "max_length"]

_MOST_ROWS: Final = 10_000
_COVERED: Final = 0.99  # share of the rows that are not cut
_MULTIPLE: Final = 16
_SHORTEST, _LONGEST = 32, 512
_PIECE: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+|[^\w\s]")
_LETTERS: Final = 6  # of a word piece, at least; English words of up to six letters mostly are one


@dataclass(frozen=True)
class RowLengths:
    """Tokens of rows, with special tokens.

    Attributes:
        tokens: (rows,).
        is_measured: whether a tokenizer counted them.
    """

    tokens: np.ndarray
    is_measured: bool

    @classmethod
    def of(cls, rows: Sequence[tuple[str, ...]], tokenizer: Tokenizer | None) -> RowLengths:
        """Measure rows of one or two sentences; of many rows, some that are spread evenly over all.

        Args:
            rows: at least one.
            tokenizer: of the encoder; None: estimate from the letters of the words.
        """
        some = rows[:: len(rows) // _MOST_ROWS + 1]
        sentences = [sentence for row in some for sentence in row]
        if tokenizer is None:
            counts = [sum(-(-len(piece) // _LETTERS) for piece in _PIECE.findall(text)) for text in sentences]
        else:
            counts = [len(one.ids) for one in tokenizer.encode_batch(sentences, add_special_tokens=False)]
        per_row = np.asarray(counts).reshape(len(some), -1)
        return cls(per_row.sum(1) + 1 + per_row.shape[1], tokenizer is not None)


def max_length(lengths: Sequence[RowLengths]) -> tuple[int, str]:
    """Return the smallest multiple of 16, up to 512, that at least 99 % of every task's rows fit into, and why."""
    wanted = max(float(np.quantile(one.tokens, _COVERED)) for one in lengths)
    length = int(min(max(-(-wanted // _MULTIPLE) * _MULTIPLE, _SHORTEST), _LONGEST))
    cut = max(float(np.mean(one.tokens > length)) for one in lengths)
    longest = max(int(one.tokens.max()) for one in lengths)
    how = "measured with the encoder's tokenizer" if all(one.is_measured for one in lengths) else "estimated"
    whole = f"{cut:.1%} of the rows are longer and are cut" if cut else "no row is longer"
    return length, f"{how}: the longest row has {longest:,} tokens; {whole}"
