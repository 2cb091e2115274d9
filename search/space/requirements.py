"""Leave out searched settings whose ``needs``, such as a data file, are not met."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core.config import RunConfig
from core.inputs.augmentation import TaskAugmentation
from data.augmentation.wordnet import WordNet
from data.errors import UserError
from search.parsing.errors import StudyFileError

__all__ = ["without_unmet_needs"]


def without_unmet_needs(
    table: Mapping[str, Any], base: RunConfig, answers_dir: Path | None
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return a ``[space]`` table without the settings that cannot be searched here, and a line about each of those.

    ``needs`` names a file in the data folder, ``wordnet`` (the package with its data), or ``answers`` (of a language
    model to all that a task's rephrasing asks, see ``search.augment``). Settings with a condition on one that is left
    out are left out too.

    Args:
        table: as the file has it.
        base: the run that the search starts from.
        answers_dir: where answers are kept; None assumes that all are there, as the command that asks for them does.

    Raises:
        StudyFileError: under ``space``, if ``needs`` is not a text.
    """
    kept: dict[str, Any] = {}
    lacks: dict[str, str] = {}
    for path, raw in table.items():
        if not isinstance(raw, dict) or "needs" not in raw:
            kept[path] = raw
        elif (lack := _lack(raw, path, base, answers_dir)) is None:
            kept[path] = {key: value for key, value in raw.items() if key != "needs"}
        else:
            lacks[path] = lack
    while left := {path: parent for path, raw in kept.items() for parent in _conditions(raw) if parent in lacks}:
        for path, parent in left.items():
            del kept[path]
            lacks[path] = f"it depends on {parent}"
    return kept, tuple(f"{path} is not searched: {lack}" for path, lack in lacks.items())


def _conditions(raw: object) -> list[str]:
    """Return the paths of the settings that a searched one depends on."""
    when = raw.get("when") if isinstance(raw, dict) else None
    return list(when) if isinstance(when, dict) else []


def _lack(raw: Mapping[str, Any], path: str, base: RunConfig, answers_dir: Path | None) -> str | None:
    """Say what is missing; None if nothing is."""
    needs = raw["needs"]
    key = ("space", path, "needs")
    if not isinstance(needs, str) or not needs:
        raise StudyFileError(key, f"must be a file in the data folder, 'wordnet' or 'answers', got {needs!r}")
    if needs == "wordnet":
        return _complaint(WordNet.installed)
    if needs == "answers":
        return None if answers_dir is None else _lacks_answers(raw, path, base, answers_dir)
    file = Path(base.data.directory) / needs
    return None if file.is_file() else f"there is no file '{file}'"


def _complaint(attempt: Callable[[], object]) -> str | None:
    """Return the error of what is attempted; None if it succeeds."""
    try:
        attempt()
    except UserError as error:
        return str(error)
    return None


def _lacks_answers(raw: Mapping[str, Any], path: str, base: RunConfig, answers_dir: Path) -> str | None:
    found = re.fullmatch(r"augmentation\.(\w+)\.rephrased\.(\w+)", path)
    if found is None or found[1] not in base.tasks:
        raise StudyFileError(("space", path, "needs"), "'answers' is only for settings of augmentation.TASK.rephrased")
    task, setting = found.groups()
    if base.augmentation[task].rephrased.model is None:
        return f"augmentation.{task}.rephrased.model is not set in the base"
    share = _largest(raw) if setting == "fraction" else 1.0
    return _complaint(lambda: TaskAugmentation(_asking(base, task, share), task, answers_dir).rephrased())


def _largest(raw: Mapping[str, Any]) -> float:
    """Return the largest share that is searched; 1 if the table does not say."""
    values = raw.get("choices", [raw.get("high")])
    numbers = [value for value in values if isinstance(value, int | float)] if isinstance(values, list) else []
    return min(max(numbers, default=1.0), 1.0)


def _asking(base: RunConfig, task: str, share: float) -> RunConfig:
    augmentation = base.augmentation[task]
    rephrased = augmentation.rephrased.model_copy(update={"fraction": share})
    changed = augmentation.model_copy(update={"rephrased": rephrased})
    return base.model_copy(update={"augmentation": {**base.augmentation, task: changed}})
