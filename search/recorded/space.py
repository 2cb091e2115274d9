"""Read the space of a recorded study back from the storage."""

from __future__ import annotations

import json
from typing import Any

import optuna

from core.config import RunConfig
from search.recorded.study import IDENTITY
from search.space.parsing import read_space
from search.space.space import Space

__all__ = ["linked_settings", "logarithmic_settings", "searched_settings", "stored_space"]


def stored_space(study: optuna.Study, config: RunConfig) -> Space:
    """Return the space that the study searches; ``config`` is that of any of its trials."""
    return read_space(_table(study), config)


def searched_settings(study: optuna.Study) -> set[str]:
    """Return the paths of all settings of the space; shares of tasks are one setting, ``loss.weights``."""
    return set(_table(study))


def logarithmic_settings(study: optuna.Study) -> set[str]:
    """Return the paths of the settings that are searched on a logarithmic scale."""
    return {path for path, dimension in _table(study).items() if dimension.get("log")}


def linked_settings(study: optuna.Study) -> set[str]:
    """Return the paths of the settings that are linked to others, and are not searched themselves."""
    return {path for path, dimension in _table(study).items() if "value" in dimension}


def _table(study: optuna.Study) -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = json.loads(study.user_attrs[IDENTITY])["space"]
    return table
