"""Synthetic reviews mean what their labels say, except for the label noise."""

import re

import numpy as np
import pytest

from data.synthetic import reviews as synthetic_reviews
from data.synthetic.reviews import draw_review


def test_reviews_mean_what_they_say() -> None:
    rng = np.random.default_rng(0)
    truth: dict[str, set[int]] = {}
    reviews = [draw_review(rng) for _ in range(10_000)]
    for review in reviews:
        bare = re.sub(r"^(frankly , |i think )|( overall| to me)? \.$", "", review.text)
        bare = re.sub(r"\b(the|this|that) \w+", "X", bare)
        truth.setdefault(bare, set()).add(review.true_label)
    assert all(len(labels) == 1 for labels in truth.values())
    # By hand: great 1.5, good .75, average 0; very x 1.6; not x -0.5; 'but' .2 : .8; edges -1.1, -.25, .25, 1.1.
    for text, label in {
        "X is great": 4,
        "X is good": 3,
        "X is very good": 4,
        "X is average": 2,
        "X is boring": 1,
        "X is very boring": 0,
        "X is not good": 1,
        "X is not horrible": 3,
        "i love X": 4,
        "i do not love X": 1,
        "X is great , but X is bad": 1,
        "X is bad , but X is superb": 3,
        "X is good and X is superb": 4,
    }.items():
        assert truth[text] == {label}, text


def test_sst_ceiling_is_the_label_noise() -> None:
    rng = np.random.default_rng(1)
    reviews = [draw_review(rng) for _ in range(5000)]
    right = np.mean([review.label == review.true_label for review in reviews])
    assert right == pytest.approx(1 - synthetic_reviews.LABEL_NOISE, abs=0.015)
    assert 0.85 <= 1 - synthetic_reviews.LABEL_NOISE <= 0.9
    assert all(abs(review.label - review.true_label) <= 1 for review in reviews)
