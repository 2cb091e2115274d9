"""The tree keeps its layout: small folders, documented packages, and tests that mirror the code."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST_MODULES = 20  # in one folder, its __init__ not counted
PACKAGES = sorted(path.parent for top in ("core", "data", "search") for path in (ROOT / top).rglob("__init__.py"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("package", PACKAGES, ids=name)
def test_a_package_says_what_belongs_in_it(package: Path) -> None:
    docstring = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8")))
    assert docstring is not None
    assert len(docstring) > 40


@pytest.mark.parametrize("package", PACKAGES, ids=name)
def test_a_folder_is_small_enough_to_overlook(package: Path) -> None:
    modules = [path for path in package.glob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= MOST_MODULES


def test_every_folder_of_code_is_a_package() -> None:
    """A folder without ``__init__.py`` has no docstring, and an import contract does not see it."""
    folders = {path.parent for top in ("core", "data", "search") for path in (ROOT / top).rglob("*.py")}
    assert folders == set(PACKAGES)


def test_the_top_level_is_fixed() -> None:
    allowed = {"search", "core", "studies", "data", "tests", "docs"}
    tracked = {path.parent.name for path in ROOT.glob("*/*.py")} | {path.name for path in ROOT.glob("*.py")}
    assert tracked <= allowed
