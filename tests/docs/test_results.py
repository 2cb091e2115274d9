"""``docs/results.md`` has a section on every packaged study."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT, text


def test_every_study_that_comes_along_has_its_results() -> None:
    page = text("results.md")
    for study in (ROOT / "studies").glob("*.toml"):
        assert re.search(rf"^##+ {study.stem}\b", page, re.MULTILINE), study.stem
