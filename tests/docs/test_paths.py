"""Every path, module, command and link that a page names leads to something in the tree."""

from __future__ import annotations

import importlib
import re
from functools import cache
from pathlib import Path

import pytest

from search.console.commands import COMMANDS
from tests.docs.pages import PAGES, ROOT

NAMING = (*PAGES, ROOT / "tests" / "benchmarks" / "README.md")
MADE_BY_READERS = {"studies/mood.toml"}  # the README's example of a study file to write
FOLDERS = r"(?:core|data|docs|search|studies|tests|\.ci)"
each_page = pytest.mark.parametrize("page", NAMING, ids=lambda page: page.relative_to(ROOT).as_posix())


def paths_in(text: str) -> set[str]:
    """Return paths from the root of the checkout, in backticks, links or code, with a star for NAME and the like."""
    named = re.findall(rf"(?<![\w./-])({FOLDERS}/[\w./-]*)", text)
    return {re.sub(r"(?<![A-Z])[A-Z]{3,}(?![A-Z])", "*", path.rstrip(".")) for path in named} - MADE_BY_READERS


def modules_in(text: str) -> set[str]:
    """Return dotted names of modules and their contents; files such as the reader's own ``data.py`` do not count."""
    without_targets = re.sub(r"\]\([^)]*\)", "]", text)
    named = re.findall(r"(?<![\w./-])((?:core|data|search|tests)(?:\.\w+)+)", without_targets)
    return {name for name in named if not name.endswith((".py", ".NAME"))}


def module_of(name: str) -> Path | None:
    """Return the file of the module, or the folder of the package."""
    path = ROOT.joinpath(*name.split("."))
    if path.with_suffix(".py").is_file():
        return path.with_suffix(".py")
    return path if path.is_dir() else None


def leads_somewhere(name: str) -> bool:
    """Return whether the name is that of a module, or of something that the module defines."""
    if module_of(name) is not None:
        return True
    parent, _, attribute = name.rpartition(".")
    return module_of(parent) is not None and hasattr(importlib.import_module(parent), attribute)


def runs(name: str) -> bool:
    """Return whether ``python -m NAME`` does something."""
    module = module_of(name)
    if module is None:
        return False
    return (module / "__main__.py").is_file() if module.is_dir() else '__name__ == "__main__"' in module.read_text()


@cache
def anchors_of(page: Path) -> frozenset[str]:
    """Return the anchors that GitHub gives the page's headings."""
    without_code = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.*)", without_code, re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)


@each_page
def test_paths_that_are_named_exist(page: Path) -> None:
    missing = {path for path in paths_in(page.read_text("utf-8")) if not any(ROOT.glob(path))}
    assert not missing


@each_page
def test_modules_that_are_named_exist(page: Path) -> None:
    missing = {name for name in modules_in(page.read_text("utf-8")) if not leads_somewhere(name)}
    assert not missing


@each_page
def test_commands_that_are_named_run(page: Path) -> None:
    named = set(re.findall(r"python -m ((?:core|data|search|tests)(?:\.\w+)+)", page.read_text("utf-8")))
    assert not {name for name in named if not name.endswith(".NAME") and not runs(name)}


@each_page
def test_commands_of_the_program_exist(page: Path) -> None:
    """``onebert NAME``, in backticks or at the start of a line of code."""
    text = page.read_text("utf-8")
    code = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    named = {*re.findall(r"`onebert ([a-z]+)", text), *re.findall(r"^onebert ([a-z]+)", code, re.MULTILINE)}
    assert named <= set(COMMANDS)


@each_page
def test_links_lead_to_a_page_and_a_heading(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if not target.startswith("http"):
            name, _, anchor = target.partition("#")
            path = page.parent / name if name else page
            assert path.exists(), target
            assert not anchor or anchor in anchors_of(path.resolve()), target


def test_pages_that_the_source_names_exist() -> None:
    for folder in ("core", "data", "search", "studies", "tests"):
        files = {*(ROOT / folder).rglob("*.py"), *(ROOT / folder).rglob("*.toml")} - {Path(__file__)}
        for path in files:
            for page in re.findall(r"(?<![\w/])docs/[\w-]+\.md", path.read_text("utf-8")):
                assert (ROOT / page).is_file(), f"{path.relative_to(ROOT)}: {page}"


def test_a_name_that_leads_nowhere_is_found() -> None:
    """The checks above see a module that was moved, wherever it is named."""
    text = "`search/space/gone.py`, [gone](docs/gone.md), ``search.space.gone``, core/gone/ and `tests/NAME/gone.py`."
    assert paths_in(text) == {"search/space/gone.py", "docs/gone.md", "core/gone/", "tests/*/gone.py"}
    assert not [path for path in paths_in(text) if any(ROOT.glob(path))]
    assert modules_in(text) == {"search.space.gone"}
    assert not leads_somewhere("search.space.gone")
    assert not leads_somewhere("search.space.feasibility.gone")
    assert leads_somewhere("search.space.feasibility.try_space")
    assert not runs("search.space.feasibility")
    assert runs("search.run")
    assert runs("search.report")
