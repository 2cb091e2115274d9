"""Compute what the frozen lowest layers of an encoder return once for every row, and keep it on disk for all trials.

May import ``core.model``, ``core.config`` and ``data``.
"""

from core.frozen_features.cache_limit import CacheLimit
from core.frozen_features.features import FEATURES, FrozenFeatures

__all__ = ["FEATURES", "CacheLimit", "FrozenFeatures"]
