"""Products in bfloat16 on a CPU: what is rounded, what is not, and that filling up rows changes nothing."""

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
from core.model.linear import Linear, filled_up, linear, rounds_products
from core.model.row_packing import RowPacking
from tests.core.model.reference_bert import SMALL, random_rows

CPU = torch.device("cpu")


def bfloat16() -> torch.autocast:
    return torch.autocast("cpu", torch.bfloat16)


@pytest.fixture
def rounding() -> None:
    with bfloat16():
        if not rounds_products(CPU):
            pytest.skip("oneDNN does not round products on this CPU")


def rounded(x: Tensor) -> Tensor:
    return x.to(torch.bfloat16).double()


@pytest.mark.usefixtures("rounding")
def test_operands_are_rounded_and_sums_are_not() -> None:
    torch.manual_seed(0)
    layer, x = Linear(40, 24), torch.randn(64, 40, requires_grad=True)
    with bfloat16():
        out = layer(x)
    gradient = torch.randn(64, 24)
    assert out.dtype == torch.float32
    torch.testing.assert_close(
        out.double(), rounded(x) @ rounded(layer.weight).T + layer.bias.double(), rtol=1e-5, atol=1e-5
    )
    assert not torch.allclose(out, F.linear(x, layer.weight, layer.bias), rtol=1e-4, atol=1e-4)
    out.backward(gradient)
    assert x.grad is not None
    assert layer.weight.grad is not None
    expected = rounded(gradient) @ rounded(layer.weight), rounded(gradient).T @ rounded(x)
    torch.testing.assert_close(x.grad.double(), expected[0], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(layer.weight.grad.double(), expected[1], rtol=1e-5, atol=1e-4)
    assert layer.bias.grad is not None
    assert torch.equal(layer.bias.grad, gradient.sum(0))


@pytest.mark.usefixtures("rounding")
def test_frozen_weights_get_no_gradient() -> None:
    layer, x = Linear(8, 8).requires_grad_(False), torch.randn(16, 8, requires_grad=True)
    with bfloat16():
        layer(x).sum().backward()
    assert layer.weight.grad is None
    assert layer.bias.grad is None
    assert x.grad is not None


@pytest.mark.usefixtures("rounding")
@pytest.mark.parametrize("shape", [(63, 40), (65, 40), (64, 2, 40)])
def test_other_numbers_of_rows_are_float32(shape: tuple[int, ...]) -> None:
    layer, x = Linear(40, 24), torch.randn(shape)
    with bfloat16():
        found = layer(x)
    assert torch.equal(found, F.linear(x, layer.weight, layer.bias))


@pytest.mark.usefixtures("rounding")
@pytest.mark.parametrize("rows", [63, 64])
def test_activations_in_bfloat16(rows: int) -> None:
    """Rows whose number is not rounded are multiplied in float32, since oneDNN would compile code for them."""
    layer, x = Linear(40, 24).requires_grad_(False), torch.randn(rows, 40, dtype=torch.bfloat16)
    with bfloat16():
        out = layer(x)
    assert out.dtype == torch.bfloat16
    weight, bias = (layer.weight, layer.bias) if rows == 63 else (rounded(layer.weight), rounded(layer.bias))
    expected = x.double() @ weight.double().T + bias.double()
    torch.testing.assert_close(out.double(), expected, rtol=2**-8, atol=1e-4)


@pytest.mark.usefixtures("rounding")
@pytest.mark.parametrize("first_only", [False, True])
def test_activations_of_predictions_are_bfloat16(first_only: bool) -> None:
    """In eval mode and without gradients; what comes out is float32, and close to the hidden states of training."""
    torch.manual_seed(0)
    bert = Bert(replace(SMALL, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0))
    ids, mask, segments = random_rows(SMALL, [7, 7, 7, 5, 5, 2])
    seen: list[torch.dtype] = []
    bert.layers[1].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].dtype))

    def hidden(trains: bool, predicts: bool) -> Tensor:
        bert.train(trains)
        with bfloat16(), torch.set_grad_enabled(not predicts):
            out: Tensor = bert(ids, mask, segments, first_only=first_only)
        assert out.dtype == torch.float32
        return out.detach()[mask[:, :1] if first_only else mask]

    found = {(trains, predicts): hidden(trains, predicts) for trains in (False, True) for predicts in (False, True)}
    assert seen == [torch.float32, torch.bfloat16, torch.float32, torch.float32]
    exact = bert.double()(ids, mask, segments, first_only=first_only)[mask[:, :1] if first_only else mask]
    for of_case in found.values():
        assert (of_case - exact).abs().max() < 0.1
        assert (of_case - exact).abs().mean() < 0.01
    assert not torch.equal(found[False, True], found[False, False])


def test_without_autocast_and_in_float64_it_is_torchs_own() -> None:
    layer, x = Linear(8, 4), torch.randn(16, 8)
    assert torch.equal(layer(x), F.linear(x, layer.weight, layer.bias))
    layer, x = layer.double(), x.double()
    with bfloat16():
        assert torch.equal(layer(x), F.linear(x, layer.weight, layer.bias))


def test_a_cpu_that_cannot_round_is_left_to_autocast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_can_round", lambda: False)
    with bfloat16():
        assert Linear(8, 4)(torch.randn(16, 8)).dtype == torch.bfloat16


@pytest.mark.usefixtures("rounding")
def test_settings_of_the_process_are_put_back() -> None:
    settings = torch.backends.mkldnn.matmul
    before = settings.fp32_precision
    with bfloat16():
        linear(torch.randn(16, 8), torch.randn(4, 8))
        with pytest.raises(RuntimeError):
            linear(torch.randn(16, 8), torch.randn(4, 9))
        assert torch.is_autocast_enabled("cpu")
    assert settings.fp32_precision == before


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
        monkeypatch.setattr("core.model.bert.rounds_products", lambda _, fills_up=fills_up: fills_up)
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


@pytest.mark.usefixtures("rounding")
def test_nothing_is_kept_for_gradients_that_nobody_needs() -> None:
    kept: list[Tensor] = []
    frozen, x = Linear(40, 24).requires_grad_(False), torch.randn(64, 40, requires_grad=True)
    with bfloat16(), torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        frozen(x)
    assert [t.shape for t in kept] == [frozen.weight.shape]


def test_a_torch_that_cannot_be_asked_to_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions before 2.9 have no such setting."""

    class Older:
        is_available = staticmethod(lambda: True)

    monkeypatch.setattr(torch.backends, "mkldnn", Older)
    assert not module._can_round.__wrapped__()


@pytest.mark.usefixtures("rounding")
def test_layers_that_are_computed_again_are_rounded_again() -> None:
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


@pytest.mark.usefixtures("rounding")
def test_a_bert_in_bfloat16_is_near_its_float32_self() -> None:
    bert, rows = Bert(SMALL).eval(), random_rows(SMALL, [9, 4, 12])
    exact = bert(*rows)
    with bfloat16():
        half = bert(*rows)
    difference = (half - exact).detach()[rows[1]]
    assert half.dtype == torch.float32
    assert 1e-4 < float(difference.abs().max()) < 0.1
