"""Columns are found by their exact names, and the nearest is suggested."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import UserError
from data.tables.columns import column_hint, column_index, id_index

HEADER = ["", "id", "Source", "text", "text"]


def test_a_column_is_found_by_its_exact_name() -> None:
    assert column_index(HEADER, "id", Path("d.csv")) == 1
    with pytest.raises(UserError, match=r"^d.csv: column 'text' occurs 2 times in the header$"):
        column_index(HEADER, "text", Path("d.csv"))
    with pytest.raises(
        UserError, match=r"^d.csv: no column 'source'; the header has 'id', 'Source', .*; did you mean 'Source'\? "
    ):
        column_index(HEADER, "source", Path("d.csv"))


def test_the_hint_ignores_case_and_is_empty_where_nothing_is_near() -> None:
    assert column_hint("SUORCE ", HEADER) == "; did you mean 'Source'? Use the name in the header"
    assert column_hint("xyz", HEADER) == ""


def test_only_the_default_id_column_may_be_missing() -> None:
    assert id_index(HEADER, "id", Path("d.csv")) == 1
    assert id_index(HEADER, None, Path("d.csv")) is None
    assert id_index(["text"], "id", Path("d.csv")) is None
    for header, name, needed in ((["text"], "number", False), (["text"], "id", True), (["id", "id"], "id", False)):
        with pytest.raises(UserError):
            id_index(header, name, Path("d.csv"), is_needed=needed)
