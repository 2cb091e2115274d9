"""Synthetic scenes: scores count the slots that agree."""

import numpy as np
import pytest

from data.synthetic.lexicon import ACTIONS, AGENTS, OBJECTS, PLACES
from data.synthetic.scenes import draw_scene_pair
from tests.data.synthetic.meaning import meaning


def test_scene_scores_are_the_slots_that_agree() -> None:
    rng = np.random.default_rng(4)
    pairs = [draw_scene_pair(rng) for _ in range(2000)]
    slots, weights = (AGENTS, ACTIONS, OBJECTS, PLACES), (1.0, 1.5, 1.5, 1.0)
    for pair in pairs:
        first, second = meaning(pair.first, *slots), meaning(pair.second, *slots)
        agreement = sum(w for w, a, b in zip(weights, first, second, strict=True) if a == b)
        assert pair.true_score == agreement
        assert pair.score == round(pair.score, 1)
        assert 0.0 <= pair.score <= 5.0
    noise = [pair.score - pair.true_score for pair in pairs if 1 <= pair.true_score <= 4]
    assert np.mean(noise) == pytest.approx(0.0, abs=0.03)
    assert np.std(noise) == pytest.approx(0.25, abs=0.02)
