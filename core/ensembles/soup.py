"""Model soups: one model whose weights are the mean of several models' (Wortsman et al. 2022, arXiv:2203.05482).

Unlike an ensemble, it costs no more than one model to store and run. :mod:`core.ensembles.common_start` checks which
models can be averaged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from torch import Tensor

from data.errors import UserError

__all__ = ["Ingredient", "Soup", "greedy_soup", "uniform_soup"]


@dataclass(frozen=True)
class Ingredient:
    """A model that may go into a soup.

    Attributes:
        name: what messages call it.
        weights: by name, float32, on the CPU; LoRA's updates are merged, as the product of a mean A and a mean B is not
            the mean of the products.
    """

    name: str
    weights: dict[str, Tensor]


@dataclass(frozen=True)
class Soup:
    """The ingredients so far.

    Attributes:
        names: of the ingredients, in the order in which they were added.
        total: the sum of their weights, in float64: the mean of equal float32 weights is then that very weight.
    """

    names: tuple[str, ...] = ()
    total: dict[str, Tensor] = field(default_factory=dict)

    @property
    def weights(self) -> dict[str, Tensor]:
        """Return the mean, float32."""
        return {name: (weight / len(self.names)).float() for name, weight in self.total.items()}

    def plus(self, ingredient: Ingredient) -> Soup:
        """Return the soup with one more ingredient.

        Raises:
            UserError: if names or shapes of weights differ; it names them.
        """
        total = {name: weight.double() for name, weight in ingredient.weights.items()}
        if self.names:
            _check_same_weights(self, ingredient)
            total = {name: weight + total[name] for name, weight in self.total.items()}
        return Soup((*self.names, ingredient.name), total)


def uniform_soup(ingredients: Iterable[Ingredient]) -> Soup:
    """Average all ingredients, at least one, taking them one at a time so that not all have to be in memory.

    Raises:
        UserError: as :meth:`Soup.plus`.
    """
    soup = Soup()
    for ingredient in ingredients:
        soup = soup.plus(ingredient)
    return soup


def greedy_soup(ingredients: Iterable[Ingredient], score: Callable[[dict[str, Tensor]], float]) -> Soup:
    """Build a greedy soup (section 2, recipe 1): an ingredient stays if the soup does not score lower with it.

    Args:
        ingredients: at least one, the best first; taken one at a time.
        score: score a model with these weights on dev; called once for each ingredient.

    Raises:
        UserError: as :meth:`Soup.plus`.
    """
    soup, best = Soup(), -float("inf")
    for ingredient in ingredients:
        tasted = soup.plus(ingredient)
        found = score(tasted.weights)
        if found >= best:
            soup, best = tasted, found
    return soup


def _check_same_weights(soup: Soup, ingredient: Ingredient) -> None:
    shapes, others = ({name: tuple(w.shape) for name, w in ws.items()} for ws in (soup.total, ingredient.weights))
    different = [
        f"{name} ({shapes.get(name, 'missing')} and {others.get(name, 'missing')})"
        for name in sorted({*shapes, *others})
        if shapes.get(name) != others.get(name)
    ]
    if different:
        more = f" and {len(different) - 3} more" if len(different) > 3 else ""
        raise UserError(
            f"{soup.names[0]} and {ingredient.name} cannot be souped, as weights differ in shape: "
            f"{', '.join(different[:3])}{more}; average their predictions instead"
        )
