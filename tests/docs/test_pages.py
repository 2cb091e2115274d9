"""No page is unfinished."""

from __future__ import annotations

import re

from tests.docs.pages import PAGES


def test_nothing_is_left_to_be_filled_in() -> None:
    for page in PAGES:
        assert not re.search(r"^\s*[A-Z_]{5,}\s*$|TODO|FIXME|XXX", page.read_text("utf-8"), re.MULTILINE), page.name
