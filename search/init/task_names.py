"""Make names of tasks out of names of files."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from pathlib import Path
from typing import Final

from data.task_files import builtin_tasks
from data.tasks import TAKEN_NAMES

__all__ = ["task_name"]

_LENGTH: Final = 40
# What Unicode's decomposition leaves as it is.
_LETTERS: Final = str.maketrans({"ß": "ss", "ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "đ": "d"})


def task_name(key: str, folder: Path, taken: Collection[str]) -> str:
    """Return a valid name for a task.

    Args:
        key: what the names of its files have in common; if empty, the folder's name is used.
        folder: of its files.
        taken: names of other tasks.
    """
    plain = unicodedata.normalize("NFKD", (key or folder.absolute().name).lower().translate(_LETTERS))
    name = re.sub(r"[^a-z0-9]+", "_", plain.encode("ascii", "ignore").decode()).strip("_")[:_LENGTH].strip("_")
    name = name if name[:1].isalpha() else f"task_{name}".strip("_")
    if name in TAKEN_NAMES or name in builtin_tasks():
        name = f"{name}_task"
    number = 2
    while name in taken or name in TAKEN_NAMES:
        name, number = f"{name.removesuffix(f'_{number - 1}')}_{number}", number + 1
    return name
