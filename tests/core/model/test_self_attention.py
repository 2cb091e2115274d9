"""Attention with dropout on packed rows, against the formula under the same mask."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from core.model.bert import BertConfig
from core.model.dropout import draw_kept
from core.model.row_packing import RowPacking
from core.model.self_attention import SelfAttention

ROWS = {"padded": [5, 2, 1], "full": [4, 4]}


def attention(dropout: float) -> SelfAttention:
    config = BertConfig(
        vocab_size=9,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        attention_probs_dropout_prob=dropout,
    )
    torch.manual_seed(0)
    return SelfAttention(config).double().train()


def formula(module: SelfAttention, rows: Tensor, mask: Tensor, dropped: Tensor) -> Tensor:
    """softmax(q k^T / sqrt(D)) o mask / (1 - p) v for every head, (R, T, H)."""
    heads = [
        layer(rows).unflatten(2, (2, 4)).transpose(1, 2) for layer in (module.query, module.key, module.value)
    ]  # (R, A, T, D)
    scores = heads[0] @ heads[1].transpose(2, 3) / math.sqrt(4)
    weights = scores.masked_fill(~mask[:, None, None], -math.inf).softmax(-1)
    return (weights * dropped @ heads[2]).transpose(1, 2).flatten(2)


@pytest.mark.parametrize("lengths", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("first_only", [False, True])
def test_values_and_gradients(lengths: list[int], first_only: bool) -> None:
    check_values_and_gradients(lengths, first_only)


@pytest.mark.parametrize("heads", [1, 3, 5])
@pytest.mark.parametrize("lengths", [[8, 3, 6, 8], [4, 4, 4]], ids=str)
@pytest.mark.parametrize("first_only", [False, True])
def test_heads_in_groups(heads: int, lengths: list[int], first_only: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many draws of 16 bits as fill whole words of 64, so that masks are those of all heads together."""
    per_head = (1 if first_only else max(lengths)) * max(lengths) * 8  # bytes of float64
    monkeypatch.setattr("core.model.self_attention._GROUP_BYTES", heads * per_head + 7)
    check_values_and_gradients(lengths, first_only)


def check_values_and_gradients(lengths: list[int], first_only: bool) -> None:
    module = attention(0.4)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    packing = RowPacking((len(lengths), max(lengths)), mask, mask.device)
    rows = torch.randn(*mask.shape, 8, dtype=torch.float64)
    hidden = packing.pack(rows).requires_grad_()
    torch.manual_seed(3)
    ours = module(hidden, packing, first_only)

    queries = 1 if first_only else max(lengths)
    torch.manual_seed(3)
    kept, scale = draw_kept(torch.empty(len(lengths), 2, queries, max(lengths)), 0.4)
    dropped = torch.ones(len(lengths), 2, max(lengths), max(lengths), dtype=torch.float64)
    dropped[:, :, :queries] = kept.double() * scale
    rows.requires_grad_()
    expected = formula(module, rows, mask, dropped)
    expected = expected[:, 0] if first_only else expected[mask]
    torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-12)

    weight = torch.randn_like(ours)
    parameters = list(module.parameters())
    found = torch.autograd.grad((ours * weight).sum(), [hidden, *parameters])
    wanted = torch.autograd.grad((expected * weight).sum(), [rows, *parameters])
    torch.testing.assert_close(found[0], wanted[0][mask], rtol=1e-11, atol=1e-12)
    for mine, theirs in zip(found[1:], wanted[1:], strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("lengths", [*ROWS.values(), [6, 6, 4, 4, 4, 1], [3]], ids=str)
@pytest.mark.parametrize("first_only", [False, True])
@pytest.mark.parametrize("most_parts", [0, 8])
@pytest.mark.parametrize("fill_up", [False, True])
def test_without_dropout(
    lengths: list[int], first_only: bool, most_parts: int, fill_up: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.model.self_attention._MOST_PARTS", most_parts)
    module, mask = attention(0.4).eval(), torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    packing = RowPacking((len(lengths), max(lengths)), mask, mask.device, fill_up)
    rows = torch.randn(*mask.shape, 8, dtype=torch.float64, requires_grad=True)
    ours = module(packing.pack(rows), packing, first_only)
    assert first_only or len(ours) == len(packing.positions)
    ours = ours if first_only else packing.unpack(ours)[mask]
    expected = formula(module, rows, mask, torch.ones((), dtype=torch.float64))
    expected = expected[:, 0] if first_only else expected[mask]
    torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-12)
    weight, parameters = torch.randn_like(ours), [rows, *module.parameters()]
    found, wanted = (torch.autograd.grad((one * weight).sum(), parameters) for one in (ours, expected))
    for mine, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("first_only", [False, True])
def test_rows_of_few_lengths_are_not_padded(first_only: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = [5, 5, 5, 3, 3]
    mask = torch.arange(5) < torch.tensor(lengths)[:, None]
    packing = RowPacking((5, 5), mask, mask.device)
    monkeypatch.setattr(packing, "unpack", lambda _: pytest.fail("rows were padded"))
    out = attention(0.0).eval()(torch.randn(21, 8, dtype=torch.float64), packing, first_only)
    assert out.shape == (5 if first_only else 21, 8)


@pytest.mark.parametrize("fill_up", [False, True])
def test_a_row_without_a_first_token_keeps_its_mask(fill_up: bool) -> None:
    """Such a batch is not packed, so padding lies between its tokens."""
    mask = torch.tensor([[False, True, True], [True, True, False]])
    packing = RowPacking((2, 3), mask, mask.device, fill_up)
    module, rows = attention(0.0).eval(), torch.randn(2, 3, 8, dtype=torch.float64)
    ours = packing.unpack(module(packing.pack(rows), packing))
    expected = formula(module, rows, mask, torch.ones((), dtype=torch.float64))
    torch.testing.assert_close(ours[mask], expected[mask], rtol=1e-12, atol=1e-12)
