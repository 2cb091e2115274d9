"""Say which code, data and package versions made a result."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from core.config import RunConfig
from search.preflight.data import check_data

__all__ = ["code_version", "described", "made_from", "package_versions"]

_PACKAGES = ("torch", "optuna", "tokenizers", "safetensors", "numpy", "scipy", "scikit-learn")


def code_version() -> str:
    """Return our version, with the commit in a checkout; ``+changes`` marks uncommitted changes."""
    try:
        own = version("onebert")
    except PackageNotFoundError:  # run from a checkout that was never installed
        own = "uninstalled"
    root = Path(__file__).resolve().parents[2]
    commit = _git(root, "rev-parse", "--short=12", "HEAD") if (root / ".git").exists() else ""
    if not commit:
        return own
    changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    return f"{own} ({commit}{'+changes' if changed else ''})"


def package_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that results depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}


def made_from(config: RunConfig) -> dict[str, Any]:
    """Return what a result depends on besides its settings: hashes of the data, versions of code and packages.

    The data are hashed as bytes, all together, and as parsed rows, by task and split; of test also without labels. What
    a check of them warns about is repeated.
    """
    report = check_data(config)
    return {
        "data_sha256": report.digest,
        "data_rows_sha256": report.parts,
        "test_texts_sha256": report.test_texts,
        "examples": report.sizes,
        "data_warnings": report.warnings,
        "code": code_version(),
        "versions": package_versions(),
    }


def described(config: RunConfig) -> dict[str, Any]:
    """Return the tasks with their weights in the overall score, so that predictions can be scored without the study."""
    return config.model_dump(mode="json", include={"tasks"})["tasks"]  # type: ignore[no-any-return]


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
