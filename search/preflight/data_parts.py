"""Know by content what trials read: each split of each task, and each source of further examples, as parsed.

The parsed rows count, in their order: other line ends, quotes or another compression are no change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from data.gold import Labels

__all__ = ["DataParts", "changed_parts", "examples_digest", "is_setting", "joint_digest", "splits_of"]

DataParts = Mapping[str, Mapping[str, str]]
"""SHA-256 by task and split (``mood``, ``train``) or source (``mood``, ``extra``), 64 hex digits each; those of an NLI
file by ``pretraining.nli_file`` and its path."""

_SPLITS = ("train", "dev", "test")


def examples_digest(sentences: Sequence[tuple[str, ...]], labels: Labels) -> str:
    """Return a digest of examples without ids."""
    return _sha256(json.dumps([sentences, labels.tolist()]))


def joint_digest(digests: Iterable[str]) -> str:
    """Return a digest of several ones in any order."""
    return _sha256("\n".join(sorted(digests)))


def splits_of(parts: DataParts) -> dict[str, dict[str, str]]:
    """Return the tasks' own splits, without further examples."""
    tasks = {task: {what: one for what, one in of_task.items() if what in _SPLITS} for task, of_task in parts.items()}
    return {task: splits for task, splits in tasks.items() if splits}


def is_setting(owner: str) -> bool:
    """Return whether parts belong to a setting, such as ``pretraining.nli_file``; names of tasks have no dot."""
    return "." in owner


def changed_parts(recorded: DataParts, now: DataParts) -> list[str]:
    """Name the parts that differ, such as ``train of task 'mood'``.

    Test splits may differ: no trial is trained on them or chosen by them. Where examples that test contains are left
    out of further examples, these differ as well.
    """
    return list(_changed(recorded, now))


def _changed(recorded: DataParts, now: DataParts) -> Iterator[str]:
    for task in dict.fromkeys([*recorded, *now]):
        before, after = recorded.get(task, {}), now.get(task, {})
        for what in dict.fromkeys([*before, *after]):
            if what != "test" and before.get(what) != after.get(what):
                if is_setting(task):
                    yield f"the file {what} of {task}"
                else:
                    yield f"{what if what in _SPLITS else f'further examples ({what})'} of task '{task}'"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
