"""The Batch contract."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from data.batching import Batch


@given(st.lists(st.lists(st.integers(1, 99), min_size=1, max_size=9), min_size=1, max_size=8))
def test_padding_puts_every_row_in_its_place(rows: list[list[int]]) -> None:
    offsets = torch.tensor([0, *torch.tensor([len(row) for row in rows]).cumsum(0).tolist()])
    flat = torch.tensor([token for row in rows for token in row])
    batch = Batch(
        task="t",
        input_ids=flat,
        token_type_ids=flat % 2,
        offsets=offsets,
        pooled=(torch.arange(len(rows)),),
        labels=None,
        positions=torch.arange(len(rows)),
        pad_id=0,
    )
    padded = batch.padded()
    longest = max(map(len, rows))
    assert padded.input_ids.tolist() == [row + [0] * (longest - len(row)) for row in rows]
    assert padded.attention_mask.tolist() == [[True] * len(row) + [False] * (longest - len(row)) for row in rows]
    assert padded.token_type_ids.tolist() == [[t % 2 for t in row] + [0] * (longest - len(row)) for row in rows]
    assert batch.lengths.tolist() == [len(row) for row in rows]
    assert len(batch) == len(rows)
    moved = batch.to(torch.device("cpu"))
    assert moved is batch
