"""Scale the temperature of predicted probabilities (Guo et al. 2017, arXiv:1706.04599, sec. 4.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from data.metrics.classes import predicted_classes

__all__ = ["LEAST_FITTED", "TemperatureFit", "at_temperature", "fit_out_of_sample", "fit_temperature"]

LEAST_FITTED = 50
"""Examples that a temperature needs: with fewer, chance decides whether it helps."""

_FOLDS = 5
_HOTTEST = 20.0  # temperatures are searched from 1 / 20 to 20
_NEAR = 1.001  # the search ends this near to an end
_LEAST = 1e-30  # a probability of 0 has no logarithm


@dataclass(frozen=True)
class TemperatureFit:
    """A temperature, and what it does to examples that it was not fitted to.

    Attributes:
        temperature: T for which softmax(log p / T) has the highest likelihood; above 1 makes less confident. It is 1
            where none can be fitted.
        reason: why none can be fitted; empty if one was.
        held_out: probabilities of the same examples, (N, K), each scaled with the temperature that was fitted to the
            other folds; as they were where none can be fitted.
    """

    temperature: float
    reason: str
    held_out: np.ndarray


def fit_out_of_sample(probabilities: np.ndarray, gold: np.ndarray, rng: np.random.Generator) -> TemperatureFit:
    """Fit a temperature to all examples, and five more, each to four fifths, to scale the last fifth.

    None is fitted to fewer than 50 examples, to a single gold class, or if none from 1/20 to 20 is the best: if all
    predictions are right, or no better than guessing.

    Args:
        probabilities: of the classes, (N, K).
        gold: class indices, (N,).
        rng: divides the examples into folds.
    """
    temperature = fit_temperature(probabilities, gold)
    if reason := _why_none(probabilities, gold, temperature):
        return TemperatureFit(1.0, reason, probabilities)
    fold = rng.permutation(len(gold)) % _FOLDS
    held_out = np.empty(probabilities.shape)
    for one in range(_FOLDS):
        kept = fold == one
        held_out[kept] = at_temperature(
            probabilities[kept].astype(np.float64), fit_temperature(probabilities[~kept], gold[~kept])
        )
    return TemperatureFit(temperature, "", held_out)


def fit_temperature(probabilities: np.ndarray, gold: np.ndarray) -> float:
    """Find T from 1/20 to 20 that minimises the mean of -log softmax(log p / T)[gold].

    This is convex in 1 / T, so there is one minimum. It is at an end if all predictions are right, or no better than
    guessing.

    Args:
        probabilities: of the classes, (N, K).
        gold: class indices, (N,).
    """
    from scipy import optimize

    logs = np.log(np.maximum(probabilities.astype(np.float64), _LEAST))
    rows = np.arange(len(gold))

    def loss(log_temperature: float) -> float:
        scaled = logs * math.exp(-log_temperature)
        return float((np.logaddexp.reduce(scaled, axis=1) - scaled[rows, gold]).mean())

    bound = math.log(_HOTTEST)
    return math.exp(float(optimize.minimize_scalar(loss, bounds=(-bound, bound), method="bounded").x))


def at_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return softmax(log p / T), (N, K), in the precision of the probabilities; for T = 1 they are returned unchanged.

    The predicted class never changes: not among equal probabilities, nor among those that rounding makes equal.

    Args:
        probabilities: of the classes, (N, K), N may be 0.
        temperature: T, above 0.

    Raises:
        ValueError: if T is not above 0.
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be > 0, got {temperature}")
    if temperature == 1.0:
        return probabilities
    logs = np.log(np.maximum(probabilities.astype(np.float64), _LEAST)) / temperature
    scaled = np.exp(logs - np.logaddexp.reduce(logs, axis=1)[:, None]).astype(probabilities.dtype)
    classes = predicted_classes(probabilities)
    changed = np.flatnonzero(predicted_classes(scaled) != classes)  # two probabilities have become equal
    scaled[changed, classes[changed]] = np.nextafter(scaled[changed].max(axis=1), np.ones(1, dtype=scaled.dtype))
    return np.asarray(scaled)


def _why_none(probabilities: np.ndarray, gold: np.ndarray, temperature: float) -> str:
    if len(gold) < LEAST_FITTED:
        return f"{len(gold)} dev example{'s are' if len(gold) != 1 else ' is'} too few, it takes {LEAST_FITTED}"
    if len(np.unique(gold)) == 1:
        return "all dev examples are of one class"
    if bool((predicted_classes(probabilities) == gold).all()):
        return "all predictions on dev are right, so that no temperature is the best"
    if not 1 / _HOTTEST * _NEAR < temperature < _HOTTEST / _NEAR:
        return f"none from {1 / _HOTTEST:g} to {_HOTTEST:g} is the best"
    return ""
