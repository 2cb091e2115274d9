"""``docs/contributing.md`` maps the tree as it is."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT, text

TEN_CHANGES = {
    "A pruner",
    "A pooling",
    "The format of predictions",
    "A column of the final table",
    "A kind of task",
    "An executor",
    "An early-stop rule",
    "A metric",
    "A message",
    "A section of the report",
}
FOLDERS_WITHOUT_CODE = {"studies/presets", "tests", "tests/benchmarks", "tests/docs"}


def packages() -> set[str]:
    """Return every package of the tree, by its folder."""
    found = [path.parent for top in ("core", "data", "search", "studies") for path in (ROOT / top).rglob("__init__.py")]
    return {folder.relative_to(ROOT).as_posix() for folder in found}


def rows_of_the_map() -> list[str]:
    section = text("contributing.md").partition("\n## Map of the code\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([\w/]+)` \|", section, re.MULTILINE)


def test_every_package_has_one_line_and_no_line_names_a_missing_one() -> None:
    rows = rows_of_the_map()
    assert len(rows) == len(set(rows))
    assert set(rows) == packages() | FOLDERS_WITHOUT_CODE


def test_packages_of_search_are_listed_in_the_order_of_their_imports() -> None:
    """The docstring of ``search`` lists packages from the bottom up, and so does the map."""
    docstring = (ROOT / "search" / "__init__.py").read_text("utf-8")
    lines = re.findall(r"^    ([a-z]+(?:, [a-z]+)*)(?: {2,}|$)", docstring, re.MULTILINE)
    order = [name for line in lines for name in line.split(", ")]
    rows = [row.removeprefix("search/") for row in rows_of_the_map() if re.fullmatch(r"search/\w+", row)]
    assert [row for row in rows if row in order] == order


def test_all_ten_changes_have_a_place() -> None:
    """Each recipe names where the change goes and where it is tested; there may be further ones."""
    section = text("contributing.md").partition("\n## Where a change goes\n")[2].partition("\n## ")[0]
    recipes = dict(re.findall(r"^\*\*(.+?)\.\*\* ((?:.+\n)+)", section, re.MULTILINE))
    assert set(recipes) >= TEN_CHANGES
    for title, recipe in recipes.items():
        assert re.search(r"`(?:core|data|search)/\w", recipe), title
        assert "test" in recipe.lower(), title
