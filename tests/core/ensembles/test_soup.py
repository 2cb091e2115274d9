"""Soups: means of weights in closed form, the paper's recipe written out, LoRA, and what does not go together."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from core.config import LoraConfig
from core.ensembles import Ingredient, greedy_soup, uniform_soup
from core.model.lora import LoraLinear, merged_state_dict
from data.errors import UserError


def ingredient(name: str, *weights: float) -> Ingredient:
    return Ingredient(name, {"w": torch.tensor(weights)})


def random_ingredients(seed: int, count: int) -> list[Ingredient]:
    generator = torch.Generator().manual_seed(seed)
    return [
        Ingredient(f"run {n}", {"a": torch.randn(3, 4, generator=generator), "b": torch.randn(5, generator=generator)})
        for n in range(count)
    ]


def test_the_mean_of_the_weights() -> None:
    given = random_ingredients(0, 7)
    soup = uniform_soup(iter(given))
    assert soup.names == tuple(f"run {n}" for n in range(7))
    for name, weight in soup.weights.items():
        expected = np.mean([i.weights[name].double().numpy() for i in given], axis=0)
        assert weight.dtype == torch.float32
        assert np.array_equal(weight.numpy(), expected.astype(np.float32))


@given(st.floats(width=32, allow_nan=False, allow_infinity=False), st.integers(1, 12))
def test_equal_models_are_their_soup(weight: float, times: int) -> None:
    """To the bit: in float32 the mean of three times 0.1 would be another number."""
    soup = uniform_soup([ingredient(str(n), weight) for n in range(times)])
    assert soup.weights["w"].item() == weight


@given(st.permutations(range(5)))
def test_the_order_makes_no_difference(order: list[int]) -> None:
    given = random_ingredients(1, 5)
    soup, expected = uniform_soup([given[n] for n in order]).weights, uniform_soup(given).weights
    assert all(torch.equal(soup[name], expected[name]) for name in expected)


@pytest.mark.parametrize("seed", range(8))
def test_the_papers_recipe(seed: int) -> None:
    """Recipe 1, line by line, with the mean's nearness to a target as the accuracy."""
    target = np.array([0.1, -0.2, 0.3])
    values = np.random.default_rng(seed).normal(size=(8, 3)).astype(np.float32).astype(np.float64)

    def accuracy(numbers: list[int]) -> float:
        return -float(np.square(values[numbers].mean(axis=0) - target).sum()) if numbers else -np.inf

    values = values[np.argsort(np.square(values - target).sum(axis=1))]
    kept: list[int] = []
    for number in range(8):
        if accuracy([*kept, number]) >= accuracy(kept):
            kept.append(number)
    soup = greedy_soup(
        [ingredient(str(n), *value) for n, value in enumerate(values)],
        lambda weights: -float(np.square(weights["w"].double().numpy() - target).sum()),
    )
    assert soup.names == tuple(map(str, kept))
    assert 1 < len(kept) < 8
    assert soup.weights["w"].numpy() == pytest.approx(values[kept].mean(axis=0), abs=1e-6)


def test_what_does_no_harm_stays_and_what_does_goes() -> None:
    scores = iter([0.5, 0.4, 0.5, 0.6, 0.5])
    asked: list[float] = []

    def score(weights: dict[str, Tensor]) -> float:
        asked.append(weights["w"].item())
        return next(scores)

    soup = greedy_soup([ingredient(str(n), 10.0**n) for n in range(5)], score)
    assert soup.names == ("0", "2", "3")
    assert asked == pytest.approx([1, 11 / 2, 101 / 2, 1101 / 3, 11101 / 4])
    assert soup.weights["w"].item() == pytest.approx(1101 / 3)


def test_models_are_loaded_one_after_the_other() -> None:
    """A library of large models does not fit into memory at once."""
    loaded = 0

    def load() -> Iterator[Ingredient]:
        nonlocal loaded
        for number in range(3):
            loaded += 1
            yield ingredient(str(number), 1.0)

    seen: list[int] = []

    def score(_: dict[str, Tensor]) -> float:
        seen.append(loaded)
        return 1.0

    assert greedy_soup(load(), score).names == ("0", "1", "2")
    assert seen == [1, 2, 3]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"w": torch.zeros(2), "v": torch.zeros(1)}, r"weights differ in shape: v \(missing and \(1,\)\); average"),
        ({}, r"w \(\(2,\) and missing\)"),
        ({"w": torch.zeros(3)}, r"trial 3 and trial 7 cannot be souped.*: w \(\(2,\) and \(3,\)\)"),
        ({"w": torch.zeros(2), **{f"x{n}": torch.zeros(1) for n in range(5)}}, "x0 .*, x1 .*, x2 .* and 2 more;"),
    ],
)
def test_models_of_another_shape(weights: dict[str, Tensor], message: str) -> None:
    given = [ingredient("trial 3", 1.0, 2.0), Ingredient("trial 7", weights)]
    with pytest.raises(UserError, match=message):
        uniform_soup(given)
    with pytest.raises(UserError, match=message):
        greedy_soup(given, lambda _: 0.0)


def lora_layer(seed: int) -> LoraLinear:
    layer = LoraLinear(nn.Linear(6, 4), LoraConfig(rank=2, alpha=4.0), torch.Generator().manual_seed(seed))
    with torch.no_grad():
        generator = torch.Generator().manual_seed(9)
        layer.weight.copy_(torch.randn(4, 6, generator=generator))
        layer.bias.copy_(torch.randn(4, generator=generator))
        layer.lora_b.copy_(torch.randn(4, 2, generator=torch.Generator().manual_seed(seed + 100)))
    return layer


def test_a_soup_of_loras_has_the_mean_update() -> None:
    """s (B A + B' A') / 2, which averaging A and B apart would miss: (B + B') (A + A') / 4 has products across."""
    one, two = lora_layer(1), lora_layer(2)
    x = torch.randn(3, 6, generator=torch.Generator().manual_seed(3))
    merged = [Ingredient(str(n), merged_state_dict(nn.Sequential(layer))) for n, layer in enumerate((one, two))]
    soup = nn.Sequential(nn.Linear(6, 4))
    soup.load_state_dict(uniform_soup(merged).weights)
    with torch.no_grad():
        expected = (one(x) + two(x)) / 2  # of one linear layer with the same W, the mean of the outputs is right
        assert torch.allclose(soup(x), expected, atol=1e-5)
        apart = uniform_soup([Ingredient(str(n), layer.state_dict()) for n, layer in enumerate((one, two))]).weights
        two.load_state_dict(apart)
        assert (two(x) - expected).abs().max() > 0.1
