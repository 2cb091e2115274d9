"""Packing and unpacking are inverse, whatever the padding."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.model.row_packing import RowPacking

LENGTHS = st.lists(st.integers(1, 6), min_size=1, max_size=5)
CPU = torch.device("cpu")


def packed(lengths: list[int]) -> tuple[RowPacking, torch.Tensor]:
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    return RowPacking((len(lengths), max(lengths)), mask, CPU), mask


@given(LENGTHS)
def test_tokens_are_those_of_the_mask(lengths: list[int]) -> None:
    packing, mask = packed(lengths)
    padded = torch.randn(*mask.shape, 4)
    tokens = packing.pack(padded)
    assert torch.equal(tokens, padded[mask])
    assert torch.equal(packing.unpack(tokens), padded * mask[..., None])
    assert packing.positions.tolist() == [place for length in lengths for place in range(length)]
    assert torch.equal(tokens[packing.first], padded[:, 0])


@given(LENGTHS, st.sampled_from([1, 2, 4]))
def test_heads_are_split_and_merged(lengths: list[int], heads: int) -> None:
    packing, mask = packed(lengths)
    tokens = torch.randn(int(mask.sum()), 8)
    split = packing.split_heads(tokens, heads)
    by_row = split.view(len(lengths), heads, max(lengths), 8 // heads).transpose(1, 2).flatten(2)  # (R, T, H)
    assert torch.equal(by_row[mask], tokens)
    assert torch.equal(packing.merge_heads(split, heads), tokens)


@given(LENGTHS, st.booleans())
def test_parts_of_equal_rows_cover_all_tokens(lengths: list[int], fill_up: bool) -> None:
    _, mask = packed(lengths)
    packing = RowPacking((len(lengths), max(lengths)), mask, CPU, fill_up)
    parts = packing.equal_rows
    assert [part.length for part in parts for _ in range(part.rows.start, part.rows.stop)] == lengths
    tokens = torch.arange(sum(lengths))
    assert [tokens[part.tokens].tolist() for part in parts] == [
        [token for row in range(part.rows.start, part.rows.stop) for token in tokens.split(lengths)[row].tolist()]
        for part in parts
    ]
    assert len(parts) == 1 + sum(one != other for one, other in pairwise(lengths))


def test_a_mask_with_holes() -> None:
    mask = torch.tensor([[True, False, True], [True, True, False]])
    packing = RowPacking((2, 3), mask, CPU)
    assert packing.positions.tolist() == [0, 2, 0, 1]
    assert packing.first.tolist() == [0, 2]
    assert [part.length for part in packing.equal_rows] == [2]


@pytest.mark.parametrize("fill_up", [False, True])
def test_a_row_without_a_first_token_is_not_packed(fill_up: bool) -> None:
    mask = torch.tensor([[False, False], [True, True]])
    packing = RowPacking((2, 2), mask, CPU, fill_up)
    assert packing.pack(torch.zeros(2, 2, 3)).shape == (16 if fill_up else 4, 3)
    assert packing.first.tolist() == [0, 2]
    assert not packing.equal_rows
