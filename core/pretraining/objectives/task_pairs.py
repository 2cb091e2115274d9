"""Label the tasks' pairs as positive, negative or neither."""

from __future__ import annotations

import numpy as np

from core.pretraining.stage_data import Ints
from data.examples import Examples

__all__ = ["pair_labels"]


def pair_labels(examples: Examples, positive_from: float, negative_below: float) -> Ints:
    """Return whether every pair is a positive (1), a negative (0), or neither (-1), (n,).

    Args:
        examples: pairs with a score, or of two classes, where the second class is the positive one.
        positive_from: lowest score of a positive; ignored for classes.
        negative_below: scores below it are negatives; ignored for classes.
    """
    labels = np.asarray(examples.labels)
    if not examples.spec.kind.is_score:
        return labels.astype(np.int64)
    return np.where(labels >= positive_from, 1, np.where(labels < negative_below, 0, -1)).astype(np.int64)
