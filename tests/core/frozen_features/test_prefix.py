"""The frozen layers' outputs: those of the encoder, and for every row the same bits in any company."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from core.config import ModelConfig
from core.frozen_features.prefix import FrozenPrefix, Row
from core.model.bert import Bert, BertConfig
from core.model.freezing import freeze, frozen_parts, remove_dropout

SHAPE = BertConfig(200, 48, 3, 4, 96, initializer_range=0.3)


def encoder(layers: int = 2, seed: int = 0) -> Bert:
    bert = Bert(SHAPE, generator=torch.Generator().manual_seed(seed))
    freeze(bert, ModelConfig(freeze_layers=layers))
    remove_dropout(frozen_parts(bert))
    return bert.train()


def some_rows(count: int, longest: int = 40) -> list[Row]:
    rng = np.random.default_rng(count)
    lengths = rng.integers(2, longest, count)
    ids = [torch.from_numpy(rng.integers(0, 200, length)) for length in lengths]
    return [Row(row, (torch.arange(len(row)) > len(row) // 2).long()) for row in ids]


def hidden_states(bert: Bert, row: Row, layers: int) -> Tensor:
    """Return the hidden states after some layers, of the row alone, as the encoder computes them."""
    seen: list[Tensor] = []
    hook = bert.layers[layers - 1].register_forward_hook(lambda _, __, out: seen.append(out))
    bert(row.input_ids[None], None, row.token_type_ids[None])
    hook.remove()
    return seen[0]


@pytest.mark.parametrize("steady", [True, False])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_it_computes_what_the_encoder_does(monkeypatch: pytest.MonkeyPatch, layers: int, steady: bool) -> None:
    monkeypatch.setattr(FrozenPrefix, "is_steady", lambda _: steady)
    bert = encoder(layers).double()
    prefix = FrozenPrefix(bert, 40)
    assert prefix.layers == layers
    rows = some_rows(30)
    for row, output in zip(rows, prefix.outputs(rows), strict=True):
        assert output.shape == (len(row), 48)
        assert not output.requires_grad
        assert torch.allclose(output, hidden_states(bert, row, layers), rtol=0, atol=1e-12)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_row_has_the_same_bits_in_any_company(threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        prefix, rows = FrozenPrefix(encoder(), 300), [*some_rows(40), *some_rows(2, 300)]
        expected = list(prefix.outputs(rows))
        rng = np.random.default_rng(0)
        for size in (1, 2, 7, 42):
            numbers = rng.permutation(len(rows))[:size]
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
                outputs = list(prefix.outputs([rows[number] for number in numbers]))
            assert all(torch.equal(out, expected[number]) for out, number in zip(outputs, numbers, strict=True))
    finally:
        torch.set_num_threads(before)


def test_where_the_place_in_a_chunk_matters_every_row_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    real = FrozenPrefix._of_chunk

    def drifting(prefix: FrozenPrefix, rows: list[Row]) -> tuple[Tensor, ...]:
        sizes.append(len(rows))
        return tuple(out + 1e-6 * number for number, out in enumerate(real(prefix, rows)))

    monkeypatch.setattr(FrozenPrefix, "_of_chunk", drifting)
    prefix = FrozenPrefix(encoder(), 40)
    assert not prefix.is_steady()
    sizes.clear()
    rows = some_rows(9)
    outputs = list(prefix.outputs(rows))
    assert sizes[-9:] == [1] * 9
    assert torch.equal(next(prefix.outputs(rows[4:5])), outputs[4])


def test_the_digest_covers_what_the_outputs_depend_on() -> None:
    bert = encoder()
    known = FrozenPrefix(bert, 40).digest()
    assert known == FrozenPrefix(encoder(), 100).digest()  # both have chunks of 256 tokens
    with torch.no_grad():
        bert.layers[2].output.dense.weight.add_(1.0)
        bert.pooler.dense.weight.add_(1.0)
    assert FrozenPrefix(bert, 40).digest() == known
    others = [FrozenPrefix(encoder(1), 40), FrozenPrefix(encoder(), 300), FrozenPrefix(encoder(seed=1), 40)]
    assert len({known, *(prefix.digest() for prefix in others), FrozenPrefix(encoder().double(), 40).digest()}) == 5
    for name, parameter in bert.named_parameters():
        if not parameter.requires_grad:
            with torch.no_grad():
                parameter.view(-1)[-1] += 1.0
            before, known = known, FrozenPrefix(bert, 40).digest()
            assert known != before, name
