"""The code that ``docs/new-technique.md`` shows is in the source."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import ROOT, text


def python_lines(page: str) -> list[str]:
    blocks = re.findall(r"```python\n(.*?)```", text(page), re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize("page", ["new-technique.md"])
def test_code_on_the_page_is_in_the_source(page: str) -> None:
    source = {
        line.strip() for path in (ROOT / "core").rglob("*.py") for line in path.read_text(encoding="utf-8").splitlines()
    }
    lines = python_lines(page)
    assert len(lines) > 30
    assert not [line for line in lines if line not in source]
