"""Pairs of scenes scored by how much of their meaning agrees: the synthetic sts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.synthetic_lexicon import (
    ACTIONS,
    AGENTS,
    OBJECTS,
    PLACES,
    QUALITIES,
    Concept,
    choice,
    other_concept,
)

__all__ = ["SCORE_NOISE", "ScenePair", "draw_scene_pair"]

SCORE_NOISE = 0.25
"""Standard deviation of the noise on a score."""

_SLOTS: tuple[tuple[Concept, ...], ...] = (AGENTS, ACTIONS, QUALITIES, OBJECTS, PLACES)
_WEIGHTS = np.array([1.0, 1.25, 0.75, 1.25, 0.75])  # what a slot that agrees adds; they sum to 5

_ARTICLES = ("the", "one", "that", "this")
_MODALS = ("will", "wants to", "plans to", "has to")


@dataclass(frozen=True)
class ScenePair:
    """Two sentences; ``score`` is noisy and rounded to one decimal, ``true_score`` the agreement itself, both 0 to 5."""

    first: str
    second: str
    score: float
    true_score: float


def draw_scene_pair(rng: np.random.Generator) -> ScenePair:
    """A pair in which 0 to 5 slots agree, each number equally likely."""
    agreeing = rng.permutation(len(_SLOTS)) < rng.integers(len(_SLOTS) + 1)  # (5,) bool
    concepts = [choice(rng, slot) for slot in _SLOTS]
    others = [
        concept if agrees else other_concept(rng, slot, concept)
        for slot, concept, agrees in zip(_SLOTS, concepts, agreeing, strict=True)
    ]
    true_score = float(_WEIGHTS[agreeing].sum())
    score = round(float(np.clip(rng.normal(true_score, SCORE_NOISE), 0.0, 5.0)), 1)
    return ScenePair(_scene(rng, concepts), _scene(rng, others), score, true_score)


def _scene(rng: np.random.Generator, concepts: list[Concept]) -> str:
    agent, action, quality, item, place = (choice(rng, concept) for concept in concepts)
    core = f"{choice(rng, _ARTICLES)} {agent} {choice(rng, _MODALS)} {action} {choice(rng, _ARTICLES)} {quality} {item}"
    where = f"{choice(rng, ('in', 'near', 'at'))} the {place}"
    return f"{where} , {core} ." if rng.random() < 0.3 else f"{core} {where} ."
