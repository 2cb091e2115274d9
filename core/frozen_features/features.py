"""Replace the work of frozen layers by what they returned for the same rows before."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from core.config import RunConfig
from core.frozen_features.cache_limit import CacheLimit
from core.frozen_features.prefix import FrozenPrefix, Row
from core.frozen_features.row_store import KEY_BYTES, AnyArray, RowStore
from core.model.freezing import frozen_parts
from core.model.multitask import MultitaskBert
from core.model.pooling import FIRST_TOKEN_POOLINGS, POOLINGS, EncodedRows
from data.batching import Batch, LowerOutputs

__all__ = ["FEATURES", "FrozenFeatures"]

FEATURES: Final = "features"  # folder within the cache

_ALL_TOKENS: Final = "tokens"


class FrozenFeatures:
    """The outputs of the frozen lowest layers for the rows of a run's batches.

    They are used for a task if what these layers return depends on nothing but the tokens of a row:

    - at least one layer is frozen, with everything below it, and has no adapters or low-rank updates;
    - these layers have no dropout (``model.frozen_dropout`` is false);
    - the task does not use SMART, which perturbs the embeddings below them;
    - the run is on the CPU, on a system with ``os.preadv`` (Windows has none).

    Otherwise batches stay as they are. A row that no run has seen is computed, and kept as long as there is room; the
    numbers are the same bits in each case. If all layers are frozen, only the vector that the task's head pools from a
    row is kept.

    Args:
        config: the run.
        model: its model, frozen as configured.
        cache_dir: cache of all runs.
        device: where the run is computed.
    """

    def __init__(self, config: RunConfig, model: MultitaskBert, cache_dir: Path, device: torch.device) -> None:
        self._by_task: dict[str, _TaskFeatures] = {}
        if config.model.frozen_dropout or device.type != "cpu" or not hasattr(os, "preadv"):
            return
        limit = CacheLimit(cache_dir / FEATURES)
        of_prefix: dict[tuple[int, ...], _KeptPrefix] = {}
        for task in config.tasks:
            parts = frozen_parts(model.encoder(task))
            if len(parts) < 2 or config.smart.weight[task]:
                continue
            modules = tuple(map(id, parts))
            if modules not in of_prefix:
                prefix = FrozenPrefix(model.encoder(task), config.model.max_length)
                of_prefix[modules] = _KeptPrefix(prefix, cache_dir / FEATURES, limit)
            is_whole = len(parts) - 1 == len(model.encoder(task).layers)
            pooling = config.heads[task].pooling if is_whole else _ALL_TOKENS
            self._by_task[task] = _TaskFeatures(of_prefix[modules], pooling)

    def look_up(self, batch: Batch) -> Batch:
        """Return the batch with the outputs of the frozen layers, or as it is."""
        features = self._by_task.get(batch.task)
        return batch if features is None else replace(batch, lower=features.of(batch))


class _KeptPrefix:
    """A prefix with the store of its outputs, which is opened when it is first used.

    Until then a resumed run has its weights.
    """

    def __init__(self, prefix: FrozenPrefix, root: Path, limit: CacheLimit) -> None:
        self.prefix = prefix
        self._root, self._limit = root, limit
        self._store: RowStore | None = None

    @property
    def store(self) -> RowStore:
        if self._store is None:
            self._store = RowStore(self._root / self.prefix.digest()[:40], self._limit)
            self._store.refresh()
        return self._store


@dataclass(frozen=True)
class _TaskFeatures:
    kept: _KeptPrefix
    pooling: str  # of whole rows, or 'tokens'

    def of(self, batch: Batch) -> LowerOutputs:
        prefix, store = self.kept.prefix, self.kept.store
        rows = [Row(batch.input_ids[row], batch.token_type_ids[row]) for row in _slices(batch.lengths.tolist())]
        lengths = [self._length(row) for row in rows]
        hidden = torch.empty(sum(lengths), prefix.width, dtype=prefix.dtype)  # (N, H) or (R, H)
        places = [hidden[row].numpy() for row in _slices(lengths)]
        keys = [self._key(row) for row in rows]
        missing = [number for number, key in enumerate(keys) if not store.read(key, places[number])]
        if missing:
            store.refresh()
            missing = [number for number in missing if not store.read(keys[number], places[number])]
        if missing:
            self._compute(missing, keys, rows, places)
        return LowerOutputs(hidden, prefix.layers, self.pooling != _ALL_TOKENS)

    def _compute(
        self, missing: Sequence[int], keys: Sequence[bytes], rows: Sequence[Row], places: Sequence[AnyArray]
    ) -> None:
        """Fill the places of missing rows, and keep them; equal rows are computed once."""
        first = {keys[number]: number for number in reversed(missing)}
        outputs = self.kept.prefix.outputs([rows[number] for number in first.values()])
        for number, output in zip(first.values(), outputs, strict=True):
            places[number][:] = self._pooled(output).numpy()
        for number in missing:
            places[number][:] = places[first[keys[number]]]
        self.kept.store.write((key, places[number]) for key, number in first.items())

    def _length(self, row: Row) -> int:
        return len(row) if self.pooling == _ALL_TOKENS else 1

    def _pooled(self, hidden: Tensor) -> Tensor:
        """(T, H) -> (T, H) or (1, H)."""
        if self.pooling == _ALL_TOKENS:
            return hidden
        row = EncodedRows(hidden[None], torch.ones(1, len(hidden), dtype=torch.bool))
        # A pooler works on the first token; it may be trained.
        return row.cls() if self.pooling in FIRST_TOKEN_POOLINGS else POOLINGS[self.pooling](self.kept.prefix.bert, row)

    def _key(self, row: Row) -> bytes:
        tokens = np.stack((row.input_ids.numpy(), row.token_type_ids.numpy()))
        return hashlib.blake2b(tokens.tobytes(), digest_size=KEY_BYTES, person=self._what.encode()).digest()

    @property
    def _what(self) -> str:
        return "cls" if self.pooling in FIRST_TOKEN_POOLINGS else self.pooling


def _slices(lengths: Sequence[int]) -> Iterator[slice]:
    start = 0
    for length in lengths:
        yield slice(start, start + length)
        start += length
