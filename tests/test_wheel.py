"""The wheel has every file of the packages, and works in an environment that knows nothing of the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("core", "data", "search", "studies")

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy, since building leaves files in the tree."""
    source = tmp_path_factory.mktemp("source")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    target = tmp_path_factory.mktemp("wheel")
    # Without isolation pip takes the build backend that constraints.txt pins, and downloads nothing.
    build = ("wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(target))
    subprocess.run([sys.executable, "-m", "pip", *build, str(source)], check=True)
    (built,) = target.glob("onebert-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the ``onebert`` of a fresh environment that has the wheel, and what it needs from this environment."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    install = ("install", "--quiet", "--no-deps", "--no-index", str(wheel))
    subprocess.run([sys.executable, "-m", "pip", "--python", str(python), *install], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    # A path in a .pth file adds the packages there, but not their own .pth files: no editable install of ours.
    (site / "needed.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return folder / "bin" / "onebert"


@pytest.fixture
def onebert(installed: Path, tmp_path: Path) -> Run:
    """Run it in a folder with modules of the user's own that have the names of our packages."""
    (tmp_path / "core").mkdir()
    for name in ("data.py", "core/__init__.py"):
        (tmp_path / name).write_text("raise RuntimeError('not ours')\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(installed), *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    return run


def test_what_a_build_needs_is_pinned_as_in_the_constraints() -> None:
    """``pip install --constraint`` says nothing about the environment of an isolated build."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    constraints = [Requirement(line) for line in lines if line and not line.startswith("#")]
    pinned = {canonicalize_name(one.name): str(one.specifier) for one in constraints}
    assert all(specifier.startswith("==") for specifier in pinned.values())
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = [Requirement(line) for line in table["build-system"]["requires"]]
    assert {one.name: str(one.specifier) for one in needed} == {one.name: pinned[one.name] for one in needed}
    extras = table["project"]["optional-dependencies"].values()
    for line in [*table["project"]["dependencies"], *(line for extra in extras for line in extra)]:
        assert canonicalize_name(Requirement(line).name) in pinned


@pytest.mark.slow
def test_every_file_of_the_packages_is_in_the_wheel(wheel: Path) -> None:
    tree = {
        path.relative_to(ROOT).as_posix()
        for name in PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {Path(name).suffix for name in tree} >= {".py", ".toml", ".jinja", ".css", ".js"}
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == tree


@pytest.mark.slow
def test_it_runs_in_another_environment_next_to_modules_of_the_user(onebert: Run) -> None:
    done = onebert("run", "--study", "quickstart", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "study quickstart" in done.stdout
    helped = onebert("--help")
    assert helped.returncode == 0
    assert "ensemble" in helped.stdout
    misspelt = onebert("run", "--study", "quikstart")
    assert misspelt.returncode == 2
    assert misspelt.stderr.startswith("error: no study 'quikstart'; did you mean 'quickstart'? ")
