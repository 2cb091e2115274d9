"""A metric that is written into a new file of ``data.metrics`` for one test."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["SOURCE", "NewMetric"]

NewMetric = Callable[..., None]
"""Write a file with a metric of this name: ``new_metric(name, aliases=(...))``."""

SOURCE = '''"""The share of scores that are within one of the gold score."""

import numpy as np

from data.metrics.metric import SCORES, Metric


def _plain(task, predictions, gold):
    return float(np.mean(np.abs(predictions - gold) <= 1))


METRIC = Metric(name={name!r}, label={label!r}, aliases={aliases!r}, kinds=SCORES, plain=_plain)
'''
