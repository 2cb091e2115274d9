"""The scripts of a report's page in a real browser, on a small page: sorting, rows beyond the first, figures."""

from __future__ import annotations

import re
from pathlib import Path

import plotly.graph_objects as go
from playwright.sync_api import Browser, Page

from search.display.pages import page_source, render_page
from search.display.table import Table
from search.report.html import shown_section
from search.report.parts import Chart, Part, ReportSection
from tests.search.browsing import opened

ROWS = 60
SHARES = [f"{(37 * row) % 101} % [{row}, 100]" for row in range(ROWS)]
MEANS = [f"{(29 * row) % 83 * 25:,}.5 ± 0.02" for row in range(ROWS)]
RANGES = [f"{(31 * row) % 97}e-05 to 0.9" for row in range(ROWS)]
WORDS = ["words that are longer than a number" if row == ROWS - 1 else "9 lives" for row in range(ROWS)]


def page_of(path: Path, *parts: Part) -> Path:
    scripts = {f"{name}_script": page_source(f"report/{name}.js") for name in ("tables", "trials")}
    sections = [shown_section(ReportSection("one", "One", parts))]
    path.write_text(render_page("report/report.html.jinja", study="s", sections=sections, origin="", **scripts))
    return path


def column(page: Page, index: int) -> list[str]:
    found: list[str] = page.evaluate(
        "(at) => [...document.querySelector('table').tBodies[0].rows].map((row) => row.cells[at].textContent)", index
    )
    return found


def test_cells_sort_by_the_number_they_begin_with(browser: Browser, tmp_path: Path) -> None:
    names = [f"row {row}" for row in range(ROWS)]
    table = Table(
        "", ("row", "share", "mean", "range", "words"), tuple(zip(names, SHARES, MEANS, RANGES, WORDS, strict=True))
    )
    with opened(browser, page_of(tmp_path / "page.html", table), 1280) as page:
        page.locator(".more button").click()
        assert page.locator("tbody tr").count() == ROWS
        assert page.locator("tbody tr").last.locator("td").last.get_attribute("class") == "long"
        assert page.locator("td.long").count() == 1
        for at, cells in ((1, SHARES), (2, MEANS), (3, RANGES)):
            page.locator("thead button").nth(at).click()
            expected = sorted(cells, key=lambda cell: -float(cell.split()[0].replace(",", "")))
            assert column(page, at) == expected
        page.locator("thead button").nth(4).click()
        assert column(page, 4) == sorted(WORDS, reverse=True)  # "9 lives" is not a number


def test_a_figure_that_cannot_be_drawn_keeps_no_other_waiting(browser: Browser, tmp_path: Path) -> None:
    charts = [Chart(go.Figure(go.Scatter(x=[1, 2], y=[1, 2])).update_layout(height=200), str(one)) for one in range(3)]
    path = page_of(tmp_path / "page.html", *charts)
    stored = re.compile(r'(<div class="figure"[^>]*><script type="application/json">).*?(</script>)', re.DOTALL)
    path.write_text(stored.sub(r"\1null\2", path.read_text(), count=1))
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(path.as_uri())
    page.wait_for_function("document.querySelectorAll('.figure.drawn').length === 2", timeout=10_000)
    assert len(wrong) == 1  # and it is not hidden
    context.close()
