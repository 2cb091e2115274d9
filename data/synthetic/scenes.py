"""Draw pairs of scenes scored by how much of their meaning agrees, for the synthetic sts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.synthetic.lexicon import ACTIONS, AGENTS, OBJECTS, PLACES, Concept, other_concept, pick_one, reword

__all__ = ["SCORE_NOISE", "ScenePair", "draw_scene_pair"]

SCORE_NOISE = 0.25
"""Standard deviation of the noise on a score."""

_SLOTS: tuple[tuple[Concept, ...], ...] = (AGENTS, ACTIONS, OBJECTS, PLACES)
_WEIGHTS = np.array([1.0, 1.5, 1.5, 1.0])  # added to the score for an agreeing slot; they sum to 5

_SYNONYMS = 0.2  # share of agreeing slots worded differently
_ARTICLES = ("the", "that")
_PREPOSITIONS = ("in", "near", "at")
_MODALS = ("will", "wants to", "has to")


@dataclass(frozen=True)
class ScenePair:
    """Two sentences; ``score`` is noisy, with one decimal; ``true_score`` is the agreement itself; both 0 to 5."""

    first: str
    second: str
    score: float
    true_score: float


def draw_scene_pair(rng: np.random.Generator) -> ScenePair:
    """Draw a pair in which 0 to 4 slots agree, each number equally likely."""
    agreeing = rng.permutation(len(_SLOTS)) < rng.integers(len(_SLOTS) + 1)  # (4,) bool
    concepts = [pick_one(rng, slot) for slot in _SLOTS]
    words = [pick_one(rng, concept) for concept in concepts]
    others = [
        reword(rng, concept, word, _SYNONYMS) if agrees else pick_one(rng, other_concept(rng, slot, concept))
        for slot, concept, word, agrees in zip(_SLOTS, concepts, words, agreeing, strict=True)
    ]
    true_score = float(_WEIGHTS[agreeing].sum())
    score = round(float(np.clip(rng.normal(true_score, SCORE_NOISE), 0.0, 5.0)), 1)
    frame = pick_one(rng, _MODALS), pick_one(rng, _PREPOSITIONS)  # they carry meaning too, so a pair shares them
    return ScenePair(_scene(rng, words, *frame), _scene(rng, others, *frame), score, true_score)


def _scene(rng: np.random.Generator, words: list[str], modal: str, preposition: str) -> str:
    agent, action, item, place = words
    core = f"{pick_one(rng, _ARTICLES)} {agent} {modal} {action} {pick_one(rng, _ARTICLES)} {item}"
    where = f"{preposition} the {place}"
    return f"{where} , {core} ." if rng.random() < 0.1 else f"{core} {where} ."
