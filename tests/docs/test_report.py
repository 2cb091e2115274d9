"""``docs/report.md`` names the sections and the files that a report has."""

from __future__ import annotations

import re

from search.report.writing import CSV_FILES
from tests.docs.pages import ROOT, text

NAMED_OTHERWISE = {
    "Metrics of the best trial": "Metrics",
    "What each of the winner's techniques contributes": "ablation",
}


def test_every_section_is_described() -> None:
    page = text("report.md").lower()
    titles: set[str] = set()
    for file in (ROOT / "search" / "report" / "sections").glob("*.py"):
        titles |= set(re.findall(r'ReportSection\(\s*"[\w-]+", "([^"]+)"', file.read_text("utf-8")))
    assert len(titles) >= 13
    missing = {title for title in titles if NAMED_OTHERWISE.get(title, title).lower() not in page}
    assert not missing


def test_every_csv_file_is_described() -> None:
    table = text("report.md").partition("| file | contents |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`([\w-]+\.csv)`", table))
    assert {name.replace("TASK", "*") for name in named} == set(CSV_FILES)
