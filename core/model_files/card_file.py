"""Keep the model card of an exported folder: ``README.md``, which the Hub shows. It does not import torch."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from core.run.atomic_files import write_atomically

__all__ = ["CARD", "kept_card_note", "remove_card", "write_card"]

CARD: Final = "README.md"
_OURS: Final = "<!-- Written by onebert export, which replaces it. Remove this line to keep your changes. -->"


def write_card(folder: Path, front_matter: str, text: str) -> None:
    """Write the card, unless the folder has a README.md of somebody else.

    Args:
        folder: of the model.
        front_matter: YAML that the Hub reads, without the lines of dashes.
        text: Markdown.
    """
    if not _is_of_others(folder):
        write_atomically(folder / CARD, f"---\n{front_matter.strip()}\n---\n{_OURS}\n\n{text}".encode())


def kept_card_note(folder: Path) -> list[str]:
    """Return a sentence for the user if the folder has a README.md of somebody else, which no export replaces."""
    return (
        [f"{folder / CARD} is yours and was kept; it may describe an earlier model."] if _is_of_others(folder) else []
    )


def remove_card(folder: Path) -> None:
    """Remove the card, if it is one that :func:`write_card` wrote."""
    if _is_ours(folder):
        (folder / CARD).unlink()


def _is_of_others(folder: Path) -> bool:
    return (folder / CARD).exists() and not _is_ours(folder)


def _is_ours(folder: Path) -> bool:
    try:
        return _OURS in (folder / CARD).read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return False
