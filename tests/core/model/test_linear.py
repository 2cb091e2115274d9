"""Activations in bfloat16 on a CPU: which products are, and that filling up rows changes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from core.model import linear as module
from core.model.bert import Bert
from core.model.linear import Linear, filled_up, uses_bfloat16
from core.model.row_packing import RowPacking
from tests.core.model.reference_bert import SMALL, random_rows

CPU = torch.device("cpu")


def bfloat16() -> torch.autocast:
    return torch.autocast("cpu", torch.bfloat16)


@pytest.fixture
def amx() -> None:
    with bfloat16():
        if not uses_bfloat16(CPU):
            pytest.skip("this CPU has no AMX")


def rounded(x: Tensor) -> Tensor:
    return x.to(torch.bfloat16).double()


@pytest.mark.usefixtures("amx")
def test_products_and_gradients_of_bfloat16() -> None:
    """Sums are float32; results are rounded once, those of weights too, like everywhere under autocast."""
    torch.manual_seed(0)
    layer, x = Linear(40, 24), torch.randn(64, 40, dtype=torch.bfloat16, requires_grad=True)
    with bfloat16():
        out = layer(x)
    gradient = torch.randn(64, 24, dtype=torch.bfloat16)
    assert out.dtype == torch.bfloat16
    expected = x.double() @ rounded(layer.weight).T + rounded(layer.bias)
    torch.testing.assert_close(out.double(), expected, rtol=2**-8, atol=1e-5)
    out.backward(gradient)
    assert x.grad is not None
    assert layer.weight.grad is not None
    assert layer.bias.grad is not None
    assert layer.weight.grad.dtype == layer.bias.grad.dtype == torch.float32
    of_input, of_weight = gradient.double() @ rounded(layer.weight), gradient.double().T @ x.detach().double()
    torch.testing.assert_close(x.grad.double(), of_input, rtol=2**-8, atol=1e-5)
    torch.testing.assert_close(layer.weight.grad.double(), of_weight, rtol=2**-8, atol=1e-4)
    torch.testing.assert_close(layer.bias.grad.double(), gradient.double().sum(0), rtol=2**-8, atol=1e-4)


@pytest.mark.usefixtures("amx")
def test_frozen_weights_get_no_gradient() -> None:
    layer, x = Linear(8, 8).requires_grad_(False), torch.randn(16, 8, dtype=torch.bfloat16, requires_grad=True)
    with bfloat16():
        layer(x).sum().backward()
    assert layer.weight.grad is None
    assert layer.bias.grad is None
    assert x.grad is not None


@pytest.mark.usefixtures("amx")
@pytest.mark.parametrize("shape", [(63, 40), (65, 40), (64, 2, 40)])
def test_other_numbers_of_rows_are_multiplied_in_float32(shape: tuple[int, ...]) -> None:
    layer, x = Linear(40, 24), torch.randn(shape, dtype=torch.bfloat16)
    with bfloat16():
        found = layer(x)
    assert torch.equal(found, F.linear(x.float(), layer.weight, layer.bias).bfloat16())


@pytest.mark.usefixtures("amx")
def test_float32_stays_float32() -> None:
    layer, x = Linear(40, 24), torch.randn(64, 40)
    with bfloat16():
        found = layer(x)
    assert torch.equal(found, F.linear(x, layer.weight, layer.bias))


@pytest.mark.usefixtures("amx")
@pytest.mark.parametrize("first_only", [False, True])
@pytest.mark.parametrize("trains", [False, True])
def test_activations_of_layers_are_bfloat16(first_only: bool, trains: bool) -> None:
    """What comes out is float32."""
    torch.manual_seed(0)
    bert = Bert(replace(SMALL, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)).train(trains)
    ids, mask, segments = random_rows(SMALL, [7, 7, 7, 5, 5, 2])
    seen: list[torch.dtype] = []
    bert.layers[1].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].dtype))
    with bfloat16():
        found = bert(ids, mask, segments, first_only=first_only)
    assert seen == [torch.bfloat16]
    assert found.dtype == torch.float32
    chosen = mask[:, :1] if first_only else mask
    difference = (found - bert.double()(ids, mask, segments, first_only=first_only))[chosen].abs()
    assert difference.max() < 0.1
    assert difference.mean() < 0.01


def test_without_autocast_and_in_float64_it_is_torchs_own() -> None:
    layer, x = Linear(8, 4), torch.randn(16, 8)
    assert torch.equal(layer(x), F.linear(x, layer.weight, layer.bias))
    layer, x = layer.double(), x.double()
    with bfloat16():
        assert torch.equal(layer(x), F.linear(x, layer.weight, layer.bias))


def test_a_cpu_without_amx_is_left_to_autocast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_has_amx", lambda: False)
    with bfloat16():
        assert Linear(8, 4)(torch.randn(16, 8)).dtype == torch.bfloat16


@given(st.integers(1, 100_000))
def test_few_numbers_of_rows(rows: int) -> None:
    full = filled_up(rows)
    assert rows <= full <= max(rows * 9 / 8, rows + 15)
    assert filled_up(full) == full
    assert full % 16 == 0


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.sampled_from([1, 2]))
def test_a_packing_is_filled_up(lengths: list[int], heads: int) -> None:
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    plain, full = (RowPacking((len(lengths), max(lengths)), mask, CPU, fill_up) for fill_up in (False, True))
    padded = torch.randn(*mask.shape, 8)
    tokens, filled = plain.pack(padded), full.pack(padded)
    assert len(filled) == len(full.positions) == filled_up(len(tokens))
    assert torch.equal(filled[: len(tokens)], tokens)
    assert torch.equal(full.positions[: len(tokens)], plain.positions)
    assert torch.equal(full.unpack(filled), plain.unpack(tokens))
    assert torch.equal(full.first, plain.first)
    split, real = plain.split_heads(tokens, heads).contiguous(), mask.repeat_interleave(heads, 0)
    assert torch.equal(full.split_heads(filled, heads)[real], split[real])
    merged = full.merge_heads(split, heads)
    assert torch.equal(merged[: len(tokens)], tokens)
    assert not merged[len(tokens) :].any()
    assert torch.equal(full.fill_up(tokens)[: len(tokens)], tokens)
    assert len(full.fill_up(tokens)) == len(filled)


def results(bert: Bert, lengths: list[int], first_only: bool) -> list[Tensor]:
    """Return hidden states of real tokens, and the gradients of all parameters and of given word embeddings."""
    ids, mask, segments = random_rows(SMALL, lengths)
    words = bert.embed_words(ids).detach().requires_grad_()
    given = bert(ids, mask, segments, words, first_only=first_only)
    looked_up = bert(ids, mask, segments, first_only=first_only)
    chosen = torch.ones_like(mask[:, :1]) if first_only else mask
    loss = sum(
        (hidden[chosen] * torch.linspace(-1, 2, SMALL.hidden_size)).square().sum() for hidden in (given, looked_up)
    )
    assert isinstance(loss, Tensor)
    used = [p for name, p in bert.named_parameters() if not name.startswith("pooler")]
    return [given[chosen], looked_up[chosen], *torch.autograd.grad(loss, [words, *used])]


@pytest.mark.parametrize("lengths", [[5, 2, 7], [3, 3], [1, 1, 1], [16]], ids=str)
@pytest.mark.parametrize("first_only", [False, True])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_what_fills_up_changes_no_result(
    lengths: list[int], first_only: bool, dropout: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In float64. Only attention weights are dropped, because more rows draw other masks."""
    bert = Bert(replace(SMALL, hidden_dropout_prob=0.0, attention_probs_dropout_prob=dropout)).double()
    found = []
    for fills_up in (False, True):
        monkeypatch.setattr("core.model.bert.uses_bfloat16", lambda _, fills_up=fills_up: fills_up)
        torch.manual_seed(1)
        found.append(results(bert, lengths, first_only))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("fill_up", [False, True])
def test_rows_without_a_first_token(fill_up: bool) -> None:
    """They keep the padded layout, and every row its place."""
    mask = torch.tensor([[False, True, True], [True, True, False]])
    packing = RowPacking((2, 3), mask, CPU, fill_up)
    assert packing.first.tolist() == [0, 3]
    assert len(packing.pack(torch.zeros(2, 3, 4))) == (16 if fill_up else 6)


def test_tokens_that_do_not_fit_the_rows_are_refused() -> None:
    packing = RowPacking((2, 3), torch.tensor([[True, True, True], [True, False, False]]), CPU, fill_up=True)
    with pytest.raises(ValueError, match="the rows have 4 tokens, got 5"):
        packing.fill_up(torch.zeros(5, 8))


@pytest.mark.usefixtures("amx")
def test_nothing_is_kept_for_gradients_that_nobody_needs() -> None:
    kept: list[Tensor] = []
    frozen = Linear(40, 24).requires_grad_(False)
    x = torch.randn(64, 40, dtype=torch.bfloat16, requires_grad=True)
    with bfloat16(), torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        frozen(x)
    assert [t.numel() for t in kept] == [frozen.weight.numel()]


def test_a_torch_that_does_not_say_what_the_cpu_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not module._has_amx.__wrapped__()


@pytest.mark.usefixtures("amx")
def test_attention_with_dropout_is_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """In bfloat16, oneDNN would compile code for each length of rows."""
    seen: list[torch.dtype] = []
    product = torch.baddbmm

    def spied(added: Tensor, first: Tensor, second: Tensor, alpha: float) -> Tensor:
        seen.append(first.dtype)
        return product(added, first, second, alpha=alpha)

    monkeypatch.setattr(torch, "baddbmm", spied)
    with bfloat16():
        Bert(SMALL)(*random_rows(SMALL, [9, 4, 12]))
    assert set(seen) == {torch.float32}


@pytest.mark.usefixtures("amx")
def test_layers_that_are_computed_again_are_the_same_bits() -> None:
    """Gradient checkpointing changes no bit in bfloat16 either."""
    bert, found = Bert(SMALL), []
    for checkpointing in (False, True):
        bert.checkpoint_gradients(checkpointing)
        torch.manual_seed(1)
        with bfloat16():
            hidden = bert(*random_rows(SMALL, [9, 4, 12]))
        used = [p for name, p in bert.named_parameters() if not name.startswith("pooler")]
        found.append(torch.autograd.grad(hidden.square().sum(), used))
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


@pytest.mark.usefixtures("amx")
def test_a_bert_in_bfloat16_is_near_its_float32_self() -> None:
    bert, rows = Bert(SMALL).eval(), random_rows(SMALL, [9, 4, 12])
    exact = bert(*rows)
    with bfloat16():
        half = bert(*rows)
    difference = (half - exact).detach()[rows[1]]
    assert half.dtype == torch.float32
    assert 1e-4 < float(difference.abs().max()) < 0.1
