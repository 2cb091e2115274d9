"""Choose which tokens a masked language model predicts, and what it sees in their place."""

from __future__ import annotations

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from data.tokenizer import special_ids

__all__ = ["Masking"]

_SHOWN_AS_MASK, _SHOWN_AS_RANDOM = 0.8, 0.1  # the rest is shown unchanged


class Masking:
    """BERT's masking (arXiv:1810.04805, section 3.1 and appendix A.1), redrawn every time a sentence is seen.

    Every token except special ones is chosen with the same probability. Of the chosen tokens, 80 % are shown as [MASK],
    10 % as a random word piece and 10 % unchanged.

    Args:
        tokenizer: tokenizer of the encoder.
        probability: probability of being chosen, 0 < p < 1.
    """

    def __init__(self, tokenizer: Tokenizer, probability: float) -> None:
        ids = special_ids(tokenizer)
        self._probability, self._mask = probability, ids.mask
        self._special = np.array([ids.pad, ids.unk, ids.cls, ids.sep, ids.mask])
        self._words = np.setdiff1d(np.arange(tokenizer.get_vocab_size()), self._special)

    def __call__(self, ids: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Mask token ids, (N,) int64: return what the model sees, (N,) int64, and what it predicts, (N,) bool."""
        seen = ids.numpy().copy()
        chosen = (rng.random(len(seen)) < self._probability) & ~np.isin(seen, self._special)
        how = rng.random(len(seen))
        random = rng.choice(self._words, size=len(seen))
        seen[chosen & (how < _SHOWN_AS_MASK)] = self._mask
        replaced = chosen & (how >= _SHOWN_AS_MASK) & (how < _SHOWN_AS_MASK + _SHOWN_AS_RANDOM)
        seen[replaced] = random[replaced]
        return torch.from_numpy(seen), torch.from_numpy(chosen)
