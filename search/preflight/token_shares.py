"""Measure how a tokenizer suits texts: the share of unknown tokens, and of examples that are longer than a row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from core.config import RunConfig
from data.examples import Examples
from data.rows import RowLayout, row_lengths
from data.tokenizer import special_ids

__all__ = ["cut_share", "unknown_share", "whole_lengths"]


def unknown_share(tokens: npt.NDArray[np.int32], tokenizer: Tokenizer) -> float:
    """Return the share of [UNK] among token ids, 0 to 1; 0 without tokens."""
    return float((tokens == special_ids(tokenizer).unk).mean()) if len(tokens) else 0.0


def whole_lengths(examples: Examples, base: RunConfig, tokenizer: Tokenizer) -> npt.NDArray[np.int64]:
    """Return the tokens in each example's row if none is cut, with special tokens, (n,).

    Of a siamese pair, it is the longer one of its two rows.
    """
    siamese = base.heads[examples.spec.name].pair == "siamese"
    return row_lengths(examples, replace(RowLayout.of(tokenizer, base.model.max_length), max_length=2**31), siamese)


def cut_share(lengths: npt.NDArray[np.int64], base: RunConfig) -> float:
    """Return the share of examples that do not fit into their rows, from their :func:`whole_lengths`."""
    return float((lengths > base.model.max_length).mean())
