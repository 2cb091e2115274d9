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
def test_a_package_says_what_belongs_in_it_and_what_it_may_import(package: Path) -> None:
    docstring = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8")))
    assert docstring is not None
    assert "import" in docstring.lower(), "say what the package may import"


@pytest.mark.parametrize("package", PACKAGES, ids=name)
def test_a_folder_has_few_modules(package: Path) -> None:
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


# Tests that go through several modules, and say in their docstring what they show.
SCENARIOS = {
    "tests/core/config/test_any_config.py",
    "tests/core/pretraining/test_disk_trouble.py",
    "tests/core/pretraining/test_in_a_run.py",
    "tests/core/test_batch_sizes.py",
    "tests/core/test_gradient_accumulation.py",
    "tests/core/test_head_training.py",
    "tests/core/test_imports_of_training.py",
    "tests/search/analysis/test_early_share.py",
    "tests/search/driver/test_crash_points.py",
    "tests/search/driver/test_duplicates.py",
    "tests/search/driver/test_chaos.py",
    "tests/search/driver/test_fault_injection.py",
    "tests/search/driver/test_studies_with_logs.py",
    "tests/search/ensemble/test_refusals.py",
    "tests/search/export/test_encoder_changes.py",
    "tests/search/init/test_situations.py",
    "tests/search/recorded/test_study_0_1_0.py",
    "tests/search/report/test_large_report.py",
    "tests/search/report/test_page.py",
    "tests/search/storage/test_postgresql.py",
    "tests/search/study/test_documented_examples.py",
    "tests/search/study/test_own_task.py",
    "tests/search/study/test_papers_full.py",
    "tests/search/study/test_table_studies.py",
    "tests/search/study/test_task_metrics.py",
    "tests/search/test_fuzz.py",
    "tests/search/test_main.py",
    "tests/search/test_search_replay.py",
    "tests/search/test_start_up.py",
    "tests/search/test_unclean_data.py",
    "tests/search/test_write_protection.py",
    "tests/search/trials/test_damaged_files.py",
}


def mirrors(test: Path) -> bool:
    """Return whether the test has the name and place of a module, of a package, or of the package it is in."""
    folder = ROOT / test.relative_to(ROOT / "tests").parent
    tested = test.stem.removeprefix("test_")
    return (folder / f"{tested}.py").is_file() or (folder / tested / "__init__.py").is_file() or folder.name == tested


def test_tests_mirror_the_tree() -> None:
    found = {path for top in ("core", "data", "search") for path in (ROOT / "tests" / top).rglob("test_*.py")}
    assert {name(path) for path in found if not mirrors(path)} == SCENARIOS
    for path in SCENARIOS:
        assert ast.get_docstring(ast.parse((ROOT / path).read_text(encoding="utf-8"))), path
