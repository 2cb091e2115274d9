"""Pooling, pair features and heads, against the padded tensors written out by hand."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from torch import nn

from core.config import HeadConfig
from core.model.bert import Bert
from core.model.heads import TaskHead
from core.model.pair_features import PAIR_FEATURES, cosine
from core.model.pooling import POOLINGS, EncodedRows
from data.task_files import builtin_tasks
from data.tasks import TAKEN_NAMES
from tests.core.model.encoded_rows import SHAPE, rows


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def head(generator_seed: int = 0, outputs: int = 5, **config: Any) -> TaskHead:
    generator = torch.Generator().manual_seed(generator_seed)
    return TaskHead(HeadConfig.model_validate(config), 8, outputs, 0.02, generator)


def linears(layers: nn.Sequential) -> list[nn.Linear]:
    return [m for m in layers if isinstance(m, nn.Linear)]


def dropouts(layers: nn.Sequential) -> list[float]:
    return [m.p for m in layers if isinstance(m, nn.Dropout)]


@pytest.mark.parametrize(
    "config",
    [
        {"layers": 2},
        {"pair": "siamese", "combine": "uv", "side_layers": 2},
        {"pair": "siamese", "combine": "cos"},
        {"pooling": "pooler"},
    ],
)
def test_a_head_computes_in_float32(config: dict[str, Any]) -> None:
    """Bfloat16 outputs have steps of 0.004 near 1, and most of a batch would tie."""
    bert, made = Bert(SHAPE), head(outputs=1, **config).eval()
    encoded = EncodedRows(torch.randn(4, 3, 8).to(torch.bfloat16), torch.ones(4, 3, dtype=torch.bool))
    pooled = (torch.tensor([0, 1]), torch.tensor([2, 3])) if config.get("pair") else (torch.arange(4),)
    with torch.autocast("cpu", torch.bfloat16):
        outputs = made(bert, encoded, pooled)
        vectors = POOLINGS[str(config.get("pooling", "cls"))](bert, encoded).float()
    assert outputs.dtype == torch.float32
    again = head(outputs=1, **{**config, "pooling": "cls"}).eval()
    assert torch.equal(again(bert, EncodedRows(vectors[:, None], encoded.attention_mask), pooled), outputs)


def test_a_linear_head_is_linear() -> None:
    bert, encoded, linear = Bert(SHAPE), rows(), head().eval()
    outputs = linear(bert, encoded, (torch.arange(3),))
    last = linear.layers[-1]
    assert isinstance(last, nn.Linear)
    assert torch.allclose(outputs, encoded.hidden[:, 0] @ last.weight.T + last.bias, atol=1e-6)


def test_a_siamese_head_reads_its_pairs_of_rows() -> None:
    bert = Bert(SHAPE)
    encoded = EncodedRows(torch.randn(4, 3, 8), torch.ones(4, 3, dtype=torch.bool))
    siamese = head(pair="siamese", combine="uv", outputs=1).eval()
    outputs = siamese(bert, encoded, (torch.tensor([0, 1]), torch.tensor([2, 3])))
    features = torch.cat([encoded.hidden[:2, 0], encoded.hidden[2:, 0]], -1)
    last = siamese.layers[-1]
    assert isinstance(last, nn.Linear)
    assert torch.allclose(outputs, features @ last.weight.T + last.bias, atol=1e-6)


def test_an_mlp_has_the_layers_asked_for() -> None:
    mlp = head(layers=3, hidden_size=6, dropout=0.2, dropout_hidden=0.4)
    shapes = [(m.in_features, m.out_features) for m in mlp.layers if isinstance(m, nn.Linear)]
    assert shapes == [(8, 6), (6, 6), (6, 5)]
    assert dropouts(mlp.layers) == [0.2, 0.4, 0.4]
    assert not list(mlp.sides)


@pytest.mark.parametrize(
    ("layers", "expected"), [(1, [0.2]), (2, [0.2, 0.05]), (3, [0.2, 0.4, 0.05]), (4, [0.2, 0.4, 0.4, 0.05])]
)
def test_the_last_dropout_of_an_mlp(layers: int, expected: list[float]) -> None:
    mlp = head(layers=layers, dropout=0.2, dropout_hidden=0.4, dropout_last=0.05)
    assert dropouts(mlp.layers) == expected


def test_an_mlp_has_gelu_between_its_layers() -> None:
    mlp, encoded = head(layers=3, hidden_size=6).eval(), rows()
    first, second, third = linears(mlp.layers)
    gelu = nn.functional.gelu
    expected = third(gelu(second(gelu(first(encoded.hidden[:, 0])))))
    assert torch.allclose(mlp(Bert(SHAPE), encoded, (torch.arange(3),)), expected, atol=1e-6)


@pytest.mark.parametrize("combine", ["uv", "uv-absdiff", "cos"])
def test_side_layers_are_the_same_for_both_sentences(combine: str) -> None:
    """An MLP of three layers on u and on v, without GELU after its last, then the pair's features."""
    encoded = EncodedRows(torch.randn(4, 3, 8), torch.ones(4, 3, dtype=torch.bool))
    outputs = 1 if combine == "cos" else 2
    sided = head(pair="siamese", combine=combine, side_layers=3, hidden_size=6, outputs=outputs).double().eval()
    assert [(m.in_features, m.out_features) for m in linears(sided.sides)] == [(8, 6), (6, 6), (6, 6)]
    first, second, third = linears(sided.sides)
    gelu = nn.functional.gelu
    encoded = EncodedRows(encoded.hidden.double(), encoded.attention_mask)
    u, v = (third(gelu(second(gelu(first(encoded.hidden[r, 0]))))) for r in ([0, 1], [2, 3]))
    features = PAIR_FEATURES[combine].function(u, v)
    expected = features if combine == "cos" else linears(sided.layers)[0](features)
    got = sided(Bert(SHAPE).double(), encoded, (torch.tensor([0, 1]), torch.tensor([2, 3])))
    assert got.shape == (2, outputs)
    assert torch.allclose(got, expected, rtol=1e-12)
    # Swapped sentences have the swapped features: nothing but the order tells the sides apart.
    swapped = sided(Bert(SHAPE).double(), encoded, (torch.tensor([2, 3]), torch.tensor([0, 1])))
    assert torch.allclose(swapped, got, rtol=1e-12) == (combine == "cos")


def test_a_cosine_has_nothing_after_it() -> None:
    plain = head(pair="siamese", combine="cos", outputs=1)
    assert not list(plain.parameters())
    sided = head(pair="siamese", combine="cos", side_layers=2, outputs=1)
    assert len(list(sided.parameters())) == 4
    encoded = EncodedRows(torch.randn(2, 3, 8), torch.ones(2, 3, dtype=torch.bool))
    cosines = plain.eval()(Bert(SHAPE), encoded, (torch.tensor([0, 0]), torch.tensor([0, 1])))
    assert cosines[0].item() == pytest.approx(1.0)
    assert cosines[1].item() == pytest.approx(cosine(encoded.hidden[:1, 0], encoded.hidden[1:, 0]).item())


@pytest.mark.parametrize(
    ("config", "sides", "layers"),
    [
        ({"combine": "uv"}, [], [0.2]),
        ({"combine": "cos"}, [0.2], []),
        ({"combine": "cos", "side_layers": 1}, [0.2], []),
        ({"combine": "cos", "side_layers": 3}, [0.2, 0.4, 0.4], []),
        ({"combine": "uv", "side_layers": 2}, [0.2, 0.4], [0.0]),
        ({"combine": "uv", "side_layers": 2, "layers": 3}, [0.2, 0.4], [0.0, 0.4, 0.05]),
    ],
)
def test_the_input_has_one_dropout(config: dict[str, Any], sides: list[float], layers: list[float]) -> None:
    """On the sentence vectors where something of the head comes before they are combined, else on the features."""
    made = head(pair="siamese", dropout=0.2, dropout_hidden=0.4, dropout_last=0.05, outputs=1, **config)
    assert dropouts(made.sides) == sides
    assert dropouts(made.layers) == layers


@pytest.mark.parametrize("config", [{}, {"pair": "siamese", "side_layers": 2, "layers": 2}])
def test_heads_start_by_their_generator_alone(config: dict[str, Any]) -> None:
    torch.manual_seed(1)
    first = head(7, **config).state_dict()
    torch.manual_seed(2)
    second = head(7, **config).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    third = head(8, **config).state_dict()
    assert not any(torch.equal(third[name], first[name]) for name in first if name.endswith("weight"))
    assert not any(first[name].any() for name in first if name.endswith("bias"))


def test_weights_start_as_berts() -> None:
    wide = head(pair="siamese", side_layers=2, layers=2, hidden_size=400)
    for layer in [*linears(wide.sides)[1:], linears(wide.layers)[0]]:
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.02)
        assert abs(layer.weight.mean().item()) < 1e-3


def test_no_task_has_the_name_of_a_torch_attribute() -> None:
    """A ModuleDict takes such a name for its own; the list is that of the installed torch, and may hold more."""
    words = [name for name in dir(nn.ModuleDict()) if re.fullmatch("[a-z][a-z0-9_]*", name)]
    # Other packages add their own when they are imported.
    attributes = {
        name for name in words if getattr(getattr(nn.ModuleDict(), name), "__module__", "torch")[:5] == "torch"
    }
    assert attributes <= TAKEN_NAMES
    assert not TAKEN_NAMES & set(builtin_tasks())
