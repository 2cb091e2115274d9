"""Run the checks of the doctor on a study file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from search.doctor import examination
from search.doctor.check import Check


def states(checks: list[Check]) -> list[tuple[str, str]]:
    return [(check.name, check.state) for check in checks]


def examined(tiny_study: str, folder: Path, *changes: tuple[str, str], **options: Any) -> dict[str, Check]:
    """Examine a study file with changes, and return the worst check of each name."""
    for old, new in changes:
        assert old in tiny_study
        tiny_study = tiny_study.replace(old, new)
    file = folder / "tiny.toml"
    file.write_text(tiny_study)
    given = {"data": None, "model": None, "storage": f"sqlite:///{folder}/runs/s.db", "runs_dir": folder / "runs"}
    (folder / "runs").mkdir(exist_ok=True)
    checks = examination.examine(str(file), **{**given, **options})
    order = {"ok": 0, "warning": 1, "wrong": 2}
    return {check.name: check for check in sorted(checks, key=lambda check: order[check.state])}
