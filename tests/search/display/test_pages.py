"""Figures and data within a page; the report and the dashboard in a real browser."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

from search.dashboard import make_dashboard
from search.display.figure_style import lay_out
from search.display.pages import data_script, figure_text
from tests.search.browsing import faint_texts, opened, overflowing, unfold

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_a_figure_in_words() -> None:
    figure = lay_out(go.Figure(), "training examples", "score<br>of sts")
    assert figure_text(figure, "Progress") == "Progress. score of sts over training examples."
    figure.add_scatter(x=[1.0, None, 2.0], y=[1.0, None, 2.0], name="complete")
    figure.add_scatter(x=[1.0], y=[1.0], name="pruned")
    figure.add_scatter(x=[1.0], y=[1.0])
    assert figure_text(figure) == "score of sts over training examples: complete (2 points), pruned (1 point)."
    assert figure_text(go.Figure()) == "Figure."


@given(st.recursive(st.none() | st.integers() | st.text() | st.floats(), lambda inner: st.lists(inner, max_size=3)))
@settings(max_examples=50)
def test_data_in_a_page_cannot_end_its_script(content: Any) -> None:
    script = str(data_script({"text": "</script><script>alert(1)</script>", "content": content}))
    inner = script.removeprefix('<script type="application/json">').removesuffix("</script>")
    assert "<" not in inner
    read = json.loads(inner, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert read["text"] == "</script><script>alert(1)</script>"


@pytest.fixture(scope="module")
def report(finished_study: Any, run_command: Run) -> Path:
    done = run_command("search.report", "--study", "tiny", "--runs-dir", finished_study.runs)
    assert done.returncode == 0, done.stderr
    paths = [Path(line) for line in done.stdout.splitlines()]
    names = ["report.html", "report.md", "trials.csv", "settings.csv", "curves.csv", "tradeoffs.csv"]
    names += ["errors-sst.csv", "errors-para.csv", "errors-sts.csv"]
    # where the default is the winner, there are no settings in which they differ
    assert [path.name for path in paths if path.name != "settings.csv"] == [n for n in names if n != "settings.csv"]
    return paths[0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_report_shows_its_plots_and_fits(browser: Browser, report: Path, width: int, scheme: str) -> None:
    with opened(browser, report, width, scheme) as page:
        assert re.match(r"0\.\d{3}$", page.inner_text(".headline strong"))
        assert "the best of 4 trials that were trained to the end" in page.inner_text(".answer")
        unfold(page)
        # progress over examples and hours, curves of overall and three tasks, one plot for the learning rate and each
        # of the three shares
        shown = ":is(.progress, .mattered) .figure"
        labels = page.evaluate(f"[...document.querySelectorAll('{shown}')].map((figure) => figure.ariaLabel)")
        assert len(labels) == 2 + 4 + 4
        assert labels[0].startswith("Over training examples. overall dev score over training examples, all trials")
        counts = points(page, shown)
        assert counts[:2] == [4, 4]
        assert counts[2:6] == [16] * 4  # four trials at four rungs
        assert counts[6:] == [4] * 4
        assert page.locator(".trials tbody tr").count() == 4
        assert "peak MiB" in page.inner_text(".trials thead")
        # metrics of the three tasks, and of the classes of two
        assert page.locator(".best-trial h3").count() == 3
        assert page.locator(".best-trial table").count() == 5
        # calibration, length and words in common for classes; the scatter and residuals for scores
        assert len(points(page, ".errors .figure")) == 2 + 3 + 4
        assert page.locator(".errors table.confusion").count() == 2
        cells = page.locator(".errors table.confusion").first.locator("td")
        assert cells.count() == 25
        assert sum(int(text.split()[0]) for text in cells.all_inner_texts()) == 60  # dev examples
        assert len(points(page, ".tradeoffs .figure")) == 3 + 3  # pairs of tasks, and shares of the loss
        assert min(points(page, ".figure")) > 0
        assert overflowing(page) == []
        assert faint_texts(page) == []


def points(page: Page, figures: str) -> list[int]:
    """Return the number of points of each of these figures."""
    found: list[int] = page.evaluate(
        f"[...document.querySelectorAll('{figures}')].map((figure) => figure.querySelectorAll('.point').length)"
    )
    return found


@pytest.mark.parametrize("width", [390, 1280])
def test_a_comparison_over_seeds_is_shown_and_fits(
    browser: Browser, study_of_seeds: Any, run_command: Run, tmp_path: Path, width: int
) -> None:
    done = run_command("search.report", "--study", "seeds", "--runs-dir", study_of_seeds.runs, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    with opened(browser, tmp_path / "report.html", width) as page:
        unfold(page)
        assert page.locator(".comparison tbody tr").count() == 2
        assert page.locator(".comparison .point").count() == 2
        assert page.locator(".comparison .xerror").count() == 2
        for part in (".scroll", ".main-svg >> nth=0"):
            box = page.locator(f".comparison {part}").bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
        assert overflowing(page) == []


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


def test_a_port_in_use_is_reported(finished_study: Any, run_command: Run) -> None:
    server = make_dashboard(None, finished_study.runs, 0)
    try:
        done = run_command(
            "search.dashboard", "--port", server.server_port, "--runs-dir", finished_study.runs, timeout=60
        )
    finally:
        server.server_close()
    assert done.returncode == 2
    assert f"--port {server.server_port}: Address already in use" in done.stderr
