"""The report and the dashboard in a real browser."""

from __future__ import annotations

import csv
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from search.dashboard import make_dashboard

Run = Callable[..., subprocess.CompletedProcess[str]]

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def report(finished_study: Any, run_command: Run) -> Path:
    done = run_command("search.report", "--study", "tiny", "--runs-dir", finished_study.runs)
    assert done.returncode == 0, done.stderr
    paths = [Path(line) for line in done.stdout.splitlines()]
    assert [path.name for path in paths] == [
        "report.html",
        "report.md",
        "trials.csv",
        "tradeoffs.csv",
        "errors-sst.csv",
        "errors-para.csv",
        "errors-sts.csv",
    ]
    return paths[0]


def overflow(page: Page) -> int:
    """Pixels by which the page is wider than the window."""
    width: int = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return width


@pytest.mark.parametrize("width", [390, 1280])
def test_the_report_shows_its_plots_and_fits(browser: Browser, report: Path, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, offline=True)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(report.as_uri())
    page.wait_for_selector(".plotly-graph-div .main-svg")
    assert errors == []
    assert "is the best: overall" in page.inner_text(".answer")
    # progress, curves, and one plot for the learning rate and each of the three shares
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    shown = ":is(.progress, .mattered) .plotly-graph-div"
    assert page.locator(shown).count() == 6
    points = page.evaluate(f"[...document.querySelectorAll('{shown}')].map(d => d.querySelectorAll('.point').length)")
    assert points[0] == 4
    assert points[1] == 16  # four trials at four rungs
    assert all(count == 4 for count in points[2:])
    assert page.locator(".trials tbody tr").count() == 4
    assert "peak MiB" in page.inner_text(".trials thead")
    # metrics of the three tasks, and of the classes of two
    assert page.locator(".best-trial h3").count() == 3
    assert page.locator(".best-trial table").count() == 5
    # calibration, length and words in common for classes; the scatter and residuals for scores
    assert page.locator(".errors .plotly-graph-div").count() == 2 + 3 + 4
    assert page.locator(".errors table.confusion").count() == 2
    cells = page.locator(".errors table.confusion").first.locator("td")
    assert cells.count() == 25
    assert sum(int(text.split()[0]) for text in cells.all_inner_texts()) == 60  # dev examples
    assert page.locator(".tradeoffs .plotly-graph-div").count() == 3 + 3  # pairs of tasks, and shares of the loss
    drawn = ":is(.errors, .tradeoffs) .plotly-graph-div"
    points = page.evaluate(f"[...document.querySelectorAll('{drawn}')].map(d => d.querySelectorAll('.point').length)")
    assert min(points) > 0
    assert overflow(page) <= 0
    context.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_a_comparison_over_seeds_is_shown_and_fits(
    browser: Browser, study_of_seeds: Any, run_command: Run, tmp_path: Path, width: int
) -> None:
    done = run_command("search.report", "--study", "seeds", "--runs-dir", study_of_seeds.runs, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    context = browser.new_context(viewport={"width": width, "height": 900}, offline=True)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((tmp_path / "report.html").as_uri())
    page.wait_for_selector(".comparison .main-svg")
    assert errors == []
    assert page.locator(".comparison tbody tr").count() == 2
    assert page.locator(".comparison .point").count() == 2
    assert page.locator(".comparison .xerror").count() == 2
    table, figure = (page.locator(f".comparison {part}").bounding_box() for part in (".scroll", ".main-svg >> nth=0"))
    assert table is not None
    assert figure is not None
    for box in (table, figure):
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    assert overflow(page) <= 0
    context.close()


def test_the_table_is_the_studys(report: Path, finished_study: Any) -> None:
    with (report.parent / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["trial"] for row in rows] == ["0", "1", "2", "3"]
    assert rows[0]["role"] == "default"
    assert {row["forward_examples"] for row in rows} == {"1600"}  # whole numbers, not 1600.0
    assert all(row["trainable_parameters"] == row["parameters"] for row in rows)
    assert all(float(row["peak_memory_mib"]) > 50 for row in rows)
    assert float(rows[0]["setting optim.learning_rate"]) == 1e-3
    for row in rows:
        assert float(row["setting loss.weights.sst"]) + float(row["setting loss.weights.para"]) + float(
            row["setting loss.weights.sts"]
        ) == pytest.approx(1.0)
        metrics = (finished_study.runs / "tiny" / f"trial-{int(row['trial']):04d}" / "metrics.jsonl").read_text()
        assert row["overall"] in metrics
    words = (report.parent / "report.md").read_text()
    assert "| trial |" in words
    assert "| off-by-one accuracy |" in words
    assert "| gold | not duplicate | duplicate |" in words


def test_the_dashboard_shows_the_study_with_its_curves(browser: Browser, finished_study: Any) -> None:
    server = make_dashboard(None, finished_study.runs, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        page = browser.new_page(viewport={"width": 1280, "height": 1600})
        page.goto(f"http://localhost:{server.server_port}/dashboard")
        page.wait_for_selector("text=tiny")
        page.click("text=tiny")
        page.wait_for_selector("text=Intermediate values", timeout=60_000)
        page.wait_for_selector("text=sst: dev score", timeout=60_000)
        # our own figures of the tasks' curves, four trials of four rungs each
        page.wait_for_function("[...document.querySelectorAll('.main-svg')].length >= 4", timeout=60_000)
        page.close()
        foreign = browser.new_page()
        response = foreign.request.get(
            f"http://127.0.0.1:{server.server_port}/api/studies", headers={"Host": "evil.test"}
        )
        assert response.status == 403
        foreign.close()
    finally:
        server.shutdown()
        server.server_close()


def test_a_taken_port_is_said(finished_study: Any, run_command: Run) -> None:
    server = make_dashboard(None, finished_study.runs, 0)
    try:
        done = run_command(
            "search.dashboard", "--port", server.server_port, "--runs-dir", finished_study.runs, timeout=60
        )
    finally:
        server.server_close()
    assert done.returncode == 2
    assert f"--port {server.server_port}: Address already in use" in done.stderr
