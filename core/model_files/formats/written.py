"""Know the folders that were written for other libraries next to an exported model. It does not import torch.

formats.json                 folder -> format
FOLDER/checksums.json        of the files that were written there; the folder has the name of a task or of a format
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
    """Return which format each folder has: folder -> format; empty if there are none.

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
    if not isinstance(stored, dict) or not all(map(_is_folder, stored)):
        raise UserError(f"{record}: must contain a format for each folder; delete '{folder}' or choose another folder")
    return stored


def check_free(folder: Path, names: Iterable[str]) -> None:
    """Refuse a model folder in which one of the named folders has files that were not exported.

    Raises:
        UserError: it names that folder.
    """
    ours = written_formats(folder)
    for name in names:
        place = folder / name
        if name not in ours and place.exists() and not (place.is_dir() and not any(place.iterdir())):
            raise UserError(f"'{place}' was not exported, and would be overwritten; choose another folder")


def record_formats(folder: Path, formats: Mapping[str, str]) -> None:
    """Record which folders are about to be written, so that even half of them is removed later."""
    write_atomically(folder / _RECORD, (json.dumps(formats, indent=2) + "\n").encode())


def remove_formats(folder: Path) -> None:
    """Remove what was written into these folders; other files stay.

    Raises:
        UserError: if the record of these folders is damaged.
    """
    for name in written_formats(folder):
        checksums = Checksums(folder / name)
        files = [*checksums.files(), checksums.path]  # the list of the others is removed last
        for path in files:
            for found in (path, *half_written_files(path)):
                found.unlink(missing_ok=True)
        for emptied in (*{path.parent for path in files if path.parent != folder / name}, folder / name):
            with suppress(OSError):  # it contains other files, or does not exist
                emptied.rmdir()
    (folder / _RECORD).unlink(missing_ok=True)


def _is_folder(name: str) -> bool:
    """Return whether a name is that of a task, or of a format, which may have hyphens; so that no path leads away."""
    return name.replace("-", "_").isidentifier()
