"""Know the folders that were written for other libraries next to an exported model. It does not import torch.

formats.json                 task -> format
TASK/checksums.json          of the files that were written there
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from core.run.atomic_files import half_written_files, write_atomically
from core.run.checksums import Checksums
from data.errors import UserError

__all__ = ["check_free", "record_formats", "remove_formats", "written_formats"]

_RECORD: Final = "formats.json"


def written_formats(folder: Path) -> dict[str, str]:
    """Return which format each task's folder has: task -> format; empty if there are none.

    Raises:
        UserError: if the record is damaged.
    """
    record = folder / _RECORD
    try:
        stored = json.loads(record.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise UserError(f"{record}: cannot be read ({error}); delete '{folder}' or choose another folder") from error
    if not isinstance(stored, dict) or not all(name.isidentifier() for name in stored):
        raise UserError(f"{record}: must contain a format for each task; delete '{folder}' or choose another folder")
    return stored


def check_free(folder: Path, tasks: Iterable[str]) -> None:
    """Refuse a folder in which a task's folder has files that were not exported.

    Raises:
        UserError: it names the task's folder.
    """
    ours = written_formats(folder)
    for task in tasks:
        place = folder / task
        if task not in ours and place.exists() and not (place.is_dir() and not any(place.iterdir())):
            raise UserError(f"'{place}' was not exported, and would be overwritten; choose another folder")


def record_formats(folder: Path, formats: Mapping[str, str]) -> None:
    """Record which tasks' folders are about to be written, so that even half of them is removed later."""
    write_atomically(folder / _RECORD, (json.dumps(formats, indent=2) + "\n").encode())


def remove_formats(folder: Path) -> None:
    """Remove what was written into the tasks' folders; other files stay.

    Raises:
        UserError: if the record of these folders is damaged.
    """
    for task in written_formats(folder):
        checksums = Checksums(folder / task)
        files = [*checksums.files(), checksums.path]  # the list of the others is removed last
        for path in files:
            for found in (path, *half_written_files(path)):
                found.unlink(missing_ok=True)
        for emptied in (*{path.parent for path in files if path.parent != folder / task}, folder / task):
            with suppress(OSError):  # it contains other files, or does not exist
                emptied.rmdir()
    (folder / _RECORD).unlink(missing_ok=True)
