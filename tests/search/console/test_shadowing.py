"""Files of the user's own that Python would find in place of our packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from search.console.shadowing import PACKAGES, shadowed_by

ROOT = Path(__file__).resolve().parents[3]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={"PATH": "", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", PACKAGES)
def test_our_own_packages_are_not_shadowed(name: str) -> None:
    assert shadowed_by(name) is None


@pytest.mark.parametrize(("file", "package"), [("data.py", "data"), ("core/__init__.py", "core")])
def test_the_module_form_ends_in_one_line(file: str, package: str, tmp_path: Path) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("raise RuntimeError('not ours')\n")
    done = run(tmp_path, "-m", "search.run", "--study", "my study")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"error: {tmp_path / file} shadows the package '{package}' of onebert; "
        "run `onebert run --study 'my study'` instead, or rename it\n"
    )
    assert "run `onebert --help` instead" in run(tmp_path, "-m", "search", "--help").stderr


def test_a_program_of_the_users_gets_an_exception(tmp_path: Path) -> None:
    (tmp_path / "data.py").write_text("")
    done = run(tmp_path, "-c", "import search")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"ImportError: {tmp_path / 'data.py'} shadows the package 'data'")


def test_a_folder_of_data_files_shadows_nothing(tmp_path: Path) -> None:
    for name in ("data", "core", "studies"):
        (tmp_path / name).mkdir()
    assert run(tmp_path, "-c", "import search, data.errors").returncode == 0
