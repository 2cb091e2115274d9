"""Synthetic question pairs: duplicates have one meaning, which common words do not reveal."""

from collections import Counter

import numpy as np
import pytest

from data.synthetic import questions as synthetic_questions
from data.synthetic.lexicon import ACTIONS, OBJECTS, PLACES, QUALITIES
from data.synthetic.questions import draw_question_pair
from tests.data.synthetic.meaning import meaning

INTENTS = (
    ("how can i", "how do i", "what is the best way to"),
    ("why should i", "what is the reason to", "why does one"),
    ("when should i", "what is the right time to", "on which day can i"),
    ("who can help me", "who will teach me to", "who knows how to"),
)


def test_duplicates_are_the_questions_of_one_meaning() -> None:
    rng = np.random.default_rng(2)
    pairs = [draw_question_pair(rng) for _ in range(2000)]
    slots = (INTENTS, ACTIONS, QUALITIES, OBJECTS, PLACES)
    differing: Counter[int] = Counter()
    for pair in pairs:
        first, second = meaning(pair.first, *slots), meaning(pair.second, *slots)
        assert pair.true_duplicate == (first == second)
        differing[sum(a != b for a, b in zip(first, second, strict=True))] += 1
    assert set(differing) == {0, 1, 5}  # duplicates, hard and easy negatives
    assert differing[1] > 0.3 * len(pairs)
    wrong = np.mean([pair.duplicate != pair.true_duplicate for pair in pairs])
    assert wrong == pytest.approx(synthetic_questions.LABEL_NOISE, abs=0.015)


def test_common_words_do_not_tell_duplicates() -> None:
    rng = np.random.default_rng(3)
    pairs = [draw_question_pair(rng) for _ in range(2000)]
    common = np.array([len(set(p.first.split()) & set(p.second.split())) for p in pairs])
    duplicate = np.array([pair.true_duplicate for pair in pairs])
    best = max(np.mean((common >= bound) == duplicate) for bound in range(20))
    assert best < 0.75
