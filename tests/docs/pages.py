"""The pages of docs/ and the README, as tests read them."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))


def text(page: str) -> str:
    return (ROOT / "docs" / page).read_text(encoding="utf-8")
