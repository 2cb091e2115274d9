"""The space of a recorded study."""

from __future__ import annotations

import json

import optuna

from core.config import RunConfig
from search.space import Space
from search.space_parsing import parse_space
from search.stored_study import IDENTITY

__all__ = ["stored_space"]


def stored_space(study: optuna.Study, config: RunConfig) -> Space:
    """The space that the study searches; ``config`` is that of any of its trials."""
    return parse_space(json.loads(study.user_attrs[IDENTITY])["space"], config)
