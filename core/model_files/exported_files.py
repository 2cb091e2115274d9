"""List the files of an exported model folder, and of an ensemble's: what was written there, and nothing else in it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from core.model_files.ensemble_folder import load_shares
from core.model_files.formats.written import written_formats
from core.run.checksums import CHECKSUMS, Checksums
from data.errors import UserError

__all__ = ["exported_files"]

_WITHOUT_CHECKSUM: Final = ("provenance.json", "formats.json", "README.md")
_REMEDY: Final = "export the model again"


def exported_files(folder: Path) -> list[Path]:
    """Return the files of a model, checked against their checksums; they are below the folder, in alphabetic order.

    A README.md of the folder is one of them, whoever wrote it.

    Raises:
        UserError: if the folder was not exported, or by a version that wrote no checksums; or a file is damaged.
    """
    shares = load_shares(folder)
    members = {place for of_task in shares.values() for place in of_task}
    formats = [place / name for place in members for name in written_formats(place)]
    files = {place / name for place in (folder, *members) for name in _WITHOUT_CHECKSUM if (place / name).is_file()}
    for place in sorted({folder, *members, *formats}):
        checksums = Checksums(place)
        if not checksums.path.is_file():
            raise UserError(f"{place}: no {CHECKSUMS}, so its files are not known; {_REMEDY}")
        checksums.check_all(_REMEDY)
        files |= {checksums.path, *checksums.files()}
    return sorted(files)
