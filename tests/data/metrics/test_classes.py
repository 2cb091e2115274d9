"""Predicted classes, and confusion counts against scikit-learn."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix

from data.metrics.classes import confusion_counts, predicted_classes


def test_the_first_of_equally_probable_classes_is_predicted() -> None:
    assert predicted_classes(np.array([[0.2, 0.8], [0.5, 0.5], [0.6, 0.4]])).tolist() == [1, 0, 0]
    assert predicted_classes(np.array([[0.2, 0.4, 0.4]])).tolist() == [1]


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 3, 5]), st.integers(1, 3))
def test_counts_are_sums_of_the_confusion_matrix(seed: int, classes: int, runs: int) -> None:
    rng = np.random.default_rng(seed)
    gold, predictions = rng.integers(0, classes, 30), [rng.dirichlet(np.ones(classes), 30) for _ in range(runs)]
    counts = rng.multinomial(30, np.full(30, 1 / 30), size=4).astype(np.float64)
    right, predicted, there = confusion_counts(predictions, gold, counts)
    assert (right.shape, predicted.shape, there.shape) == ((4, runs, classes), (4, runs, classes), (4, 1, classes))
    for b, drawn in enumerate(counts):
        for run, one in enumerate(predictions):
            matrix = confusion_matrix(gold, one.argmax(axis=1), labels=range(classes), sample_weight=drawn)
            assert right[b, run].tolist() == matrix.diagonal().tolist()
            assert predicted[b, run].tolist() == matrix.sum(axis=0).tolist()
            assert there[b, 0].tolist() == matrix.sum(axis=1).tolist()
