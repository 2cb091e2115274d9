"""Record in a folder which study its trials belong to: names can be taken again, and runs folders shared."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.run.atomic_files import write_atomically
from data.errors import MachineError, UserError

__all__ = ["OWNER", "FolderOwner", "read_owner", "write_owner"]

OWNER: Final = "study.json"
"""Name of the file, in the study's folder and in that of each trial."""


@dataclass(frozen=True)
class FolderOwner:
    """The study that a folder belongs to.

    Attributes:
        id: of the study; it is also in the study's attributes.
        is_restarting: whether the study, which has no results yet, is being deleted and created again. A driver may be
            killed in between; the next study of this name then gets the folder and the id.
    """

    id: str
    is_restarting: bool = False


def read_owner(folder: Path) -> FolderOwner | None:
    """Read what :func:`write_owner` wrote; None if there is nothing, as in folders of earlier versions.

    Raises:
        MachineError: if the file cannot be read.
        UserError: if it is damaged.
    """
    path = folder / OWNER
    try:
        stored = json.loads(path.read_bytes())
        return FolderOwner(str(stored["id"]), bool(stored.get("restarting", False)))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise MachineError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path}: cannot be read ({error}); delete it, and the trials themselves are compared with the study"
        ) from error


def write_owner(folder: Path, owner: FolderOwner) -> None:
    """Write which study the folder belongs to.

    Raises:
        MachineError: if the disk refuses the write.
    """
    restarting = {"restarting": True} if owner.is_restarting else {}
    write_atomically(folder / OWNER, (json.dumps({"id": owner.id, **restarting}) + "\n").encode())
