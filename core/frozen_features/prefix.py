"""Compute what the frozen lowest layers of an encoder return for a row, the same bits in whatever company it is.

Letters in shape comments: M tokens of a chunk, T tokens of a row, H hidden size, A attention heads, D = H / A.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.model.bert import Bert
from core.model.freezing import frozen_parts
from core.model.self_attention import SelfAttention

__all__ = ["FrozenPrefix", "Row"]

_FORMAT: Final = 1  # increase it when the same encoder would give other bits
_CHUNK: Final = 256  # tokens, unless a row is longer


@dataclass(frozen=True)
class Row:
    """A row of tokens."""

    input_ids: Tensor  # (T,) int64
    token_type_ids: Tensor  # (T,) int64

    def __len__(self) -> int:
        return len(self.input_ids)


class FrozenPrefix:
    """The embeddings and the lowest layers of an encoder, which are all frozen and have no dropout.

    The last bits of a matrix product depend on how many rows the matrix has. Here all products of one prefix have the
    same shape: rows are packed into chunks of M tokens, filled up where they are shorter, and the tokens of each row
    attend to one another in a product of their own. What a row gets then depends on nothing but its tokens. That holds
    where a product of a given shape treats all rows alike; where it does not (:meth:`is_steady`), every row has a chunk
    for itself. All is computed in the precision of the weights, whatever the rest of the model does.

    Args:
        bert: the encoder.
        longest: the longest row, tokens.

    Attributes:
        bert: as given.
        layers: number of the layers.
    """

    def __init__(self, bert: Bert, longest: int) -> None:
        self.bert = bert
        self.layers = len(frozen_parts(bert)) - 1
        self._longest, self._chunk = longest, max(_CHUNK, longest)
        self._packs: bool | None = None

    @property
    def dtype(self) -> torch.dtype:
        """Return the type of what is computed."""
        return self.bert.embeddings.LayerNorm.weight.dtype

    @property
    def width(self) -> int:
        """Return H."""
        return self.bert.config.hidden_size

    def digest(self) -> str:
        """Return the SHA-256 of everything that the bits of a row depend on besides its tokens, 64 hex digits."""
        digest = hashlib.sha256()
        for name, weight in self._weights():
            digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}\n".encode())
            digest.update(weight.detach().cpu().contiguous().numpy().data)
        facts = {
            "format": _FORMAT,
            "shape": {**asdict(self.bert.config), "hidden_dropout_prob": 0, "attention_probs_dropout_prob": 0},
            "layers": self.layers,
            "chunk": self._chunk,
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "processor": [platform.machine(), _processor(), torch.backends.cpu.get_cpu_capability()],
            "weights": digest.hexdigest(),
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def _weights(self) -> Iterator[tuple[str, nn.Parameter]]:
        for number, part in enumerate(frozen_parts(self.bert)):
            for name, weight in part.named_parameters():
                yield f"{number}.{name}", weight

    def outputs(self, rows: Sequence[Row]) -> Iterator[Tensor]:
        """Yield the last frozen layer's hidden states of every row, (T, H), in their order."""
        if self._packs is None:
            self._packs = self.is_steady()
        yield from self._packed(rows) if self._packs else self._alone(rows)

    @torch.no_grad()
    def is_steady(self) -> bool:
        """Return whether rows get the same bits in another order, in which they have other places in a chunk."""
        generator = torch.Generator().manual_seed(0)
        lengths: list[int] = []
        room = self._chunk
        while room:
            lengths.append(min(room, self._longest, 5 + 4 * len(lengths)))
            room -= lengths[-1]
        rows = []
        for length in lengths:
            ids = torch.randint(self.bert.config.vocab_size, (length,), generator=generator)
            rows.append(Row(ids, torch.zeros_like(ids)))
        forwards, backwards = list(self._packed(rows)), list(self._packed(rows[::-1]))[::-1]
        return all(torch.equal(one, other) for one, other in zip(forwards, backwards, strict=True))

    def _packed(self, rows: Sequence[Row]) -> Iterator[Tensor]:
        chunk: list[Row] = []
        for row in rows:
            if sum(map(len, chunk)) + len(row) > self._chunk:
                yield from self._of_chunk(chunk)
                chunk = []
            chunk.append(row)
        if chunk:
            yield from self._of_chunk(chunk)

    def _alone(self, rows: Sequence[Row]) -> Iterator[Tensor]:
        for row in rows:
            yield from self._of_chunk([row])

    @torch.no_grad()
    def _of_chunk(self, rows: Sequence[Row]) -> tuple[Tensor, ...]:
        """Return (T, H) for every row."""
        lengths = [len(row) for row in rows]
        filler = torch.zeros(self._chunk - sum(lengths), dtype=torch.int64)
        ids = torch.cat([*(row.input_ids for row in rows), filler])  # (M,)
        segments = torch.cat([*(row.token_type_ids for row in rows), filler])
        positions = torch.cat([*map(torch.arange, lengths), filler])
        with torch.autocast("cpu", enabled=False):
            hidden: Tensor = self.bert.embeddings(self.bert.embed_words(ids), segments, positions)  # (M, H)
            for layer in self.bert.layers[: self.layers]:
                hidden = _layer_output(layer, hidden, lengths)
        return torch.split(hidden[: sum(lengths)], lengths)


def _layer_output(layer: nn.Module, hidden: Tensor, lengths: list[int]) -> Tensor:
    """(M, H) -> (M, H); what fills the chunk up attends to nothing."""
    own = layer.get_submodule("attention.self")
    assert isinstance(own, SelfAttention)
    real = sum(lengths)
    projected = [torch.split(part(hidden)[:real], lengths) for part in (own.query, own.key, own.value)]
    rows = (_attended(own.heads, *parts) for parts in zip(*projected, strict=True))
    context = torch.cat([*rows, torch.zeros_like(hidden[real:])])
    attended = layer.get_submodule("attention.output")(context, hidden)
    out: Tensor = layer.get_submodule("output")(layer.get_submodule("intermediate")(attended), attended)
    return out


def _attended(heads: int, *projected: Tensor) -> Tensor:
    """(T, H) three times -> (T, H)."""
    q, k, v = (x.view(1, len(x), heads, -1).transpose(1, 2) for x in projected)  # (1, A, T, D)
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)[0]


def _processor() -> str:
    """Return the name of the processor, on which matrix products choose their kernels; empty if not known."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
