"""The recorded learning curves, and their two halves."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, json_to_distribution
from sklearn.ensemble import RandomForestRegressor

__all__ = ["CURVES", "Row", "Table", "coordinates", "load_table", "tables"]

CURVES = Path(__file__).parent / "curves.json.gz"


@dataclass(frozen=True)
class Row:
    """One configuration, trained in full.

    Attributes:
        params: Optuna's parameters by name.
        overall: score at each rung.
        scores: each task's metric at each rung.
        cost: until each rung, in examples that passed through the model in training, including the additional passes
            of a regulariser and the examples of its stages of further pretraining.
    """

    params: Mapping[str, Any]
    overall: tuple[float, ...]
    scores: Mapping[str, Sequence[float]]
    cost: tuple[float, ...]

    @property
    def value(self) -> float:
        """Return the value of a complete trial: its best score, which is that of the weights that it keeps."""
        return max(self.overall)


@dataclass(frozen=True)
class Table:
    """Configurations that were trained in full.

    Attributes:
        rungs: where they were scored, in training examples.
        warmup: training examples until the learning rate reached its peak, before which the driver prunes nothing.
        rows: the configurations, in random order.
        space: the distribution of every parameter.
        importance: how much of what a forest predicts of the values it owes to each parameter, as a share; a parameter
            that is left out has 1.
    """

    rungs: tuple[int, ...]
    warmup: int
    rows: tuple[Row, ...]
    space: Mapping[str, BaseDistribution]
    importance: Mapping[str, float] = field(default_factory=dict)

    def half(self, which: int) -> Table:
        """Return every second row, from row 0 or 1 on: one half to select by, the other to report."""
        return replace(self, rows=self.rows[which::2])

    @property
    def full_cost(self) -> float:
        """Return the mean cost of training a configuration in full."""
        return float(np.mean([row.cost[-1] for row in self.rows]))


def tables() -> list[Path]:
    """Return the files of all recorded tables; the study of each is next to it."""
    return sorted(CURVES.parent.glob("curves*.json.gz"), key=lambda path: (len(path.name), path.name))


def load_table(path: Path = CURVES) -> Table:
    """Read what ``record.py`` wrote."""
    table = json.loads(gzip.decompress(path.read_bytes()))
    space = {name: json_to_distribution(searched) for name, searched in table["space"].items()}
    rows = tuple(_row(row) for row in table["rows"])
    return Table(tuple(table["rungs"]), table["warmup"], rows, space, _importance(rows, space))


def coordinates(space: BaseDistribution, value: Any) -> Sequence[float]:
    """Return a parameter's coordinates: a number's range has length 1, and so has the way between two choices."""
    if isinstance(space, CategoricalDistribution):
        return [math.sqrt(0.5) * (choice == value) for choice in space.choices]
    assert isinstance(space, FloatDistribution)
    low, high, at = (math.log(x) if space.log else x for x in (space.low, space.high, value))
    return [(at - low) / (high - low)]


def _importance(rows: Sequence[Row], space: Mapping[str, BaseDistribution]) -> dict[str, float]:
    points = [[coordinates(searched, row.params[name]) for name, searched in space.items()] for row in rows]
    owners = np.repeat(np.arange(len(space)), [len(part) for part in points[0]])
    forest = RandomForestRegressor(500, min_samples_leaf=3, max_features=0.5, random_state=0)
    forest.fit([np.concatenate(point) for point in points], [row.value for row in rows])
    return {name: float(forest.feature_importances_[owners == place].sum()) for place, name in enumerate(space)}


def _row(row: Mapping[str, Any]) -> Row:
    cost = tuple(float(seen + row["pretraining_examples"]) for seen in row["forward_examples"])
    return Row(row["params"], tuple(row["overall"]), row["scores"], cost)
