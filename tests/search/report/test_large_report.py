"""A report of a thousand trials in a real browser: figures, folds, tables, trials one by one, colours, paper."""

from __future__ import annotations

import csv
import re
import zlib
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from search.report.writing import write_report
from tests.search.browsing import empty_figures, faint_texts, opened, overflowing, unfold
from tests.search.large_study import large_study
from tests.search.made_study import MadeStudy

TRIALS = 1000
# Progress, curves, shares and eight effects, trials over a setting; pairs of tasks and shares of the loss; errors.
FIGURES = 2 + 4 + 9 + 10 + (3 + 3) + 9
LARGEST = 8e6  # bytes of a page


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeStudy:
    return large_study(tmp_path_factory.mktemp("large"), TRIALS)


@pytest.fixture(scope="module")
def report(made: MadeStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    page, *_ = write_report(made.study, made.folders, tmp_path_factory.mktemp("report"))
    return page


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_every_figure_holds_data_and_everything_fits(browser: Browser, report: Path, width: int, scheme: str) -> None:
    with opened(browser, report, width, scheme) as page:
        unfold(page)
        assert page.locator(".figure.drawn").count() == FIGURES
        assert empty_figures(page) == []
        assert page.locator(".scatterlayer .point").count() > 10_000
        assert page.locator(".ternarylayer .point").count() > 30
        assert overflowing(page) == []
        assert faint_texts(page) == []
        levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map((one) => Number(one.tagName[1]))")
        assert levels[0] == 1
        assert all(below - above <= 1 for above, below in pairwise(levels))
        links = page.evaluate("[...document.querySelectorAll('nav a')].map((one) => one.getAttribute('href'))")
        assert links[0] == "#answer"
        assert all(page.locator(link).count() == 1 for link in links)


def test_it_opens_with_little_to_draw(browser: Browser, report: Path) -> None:
    assert report.stat().st_size < LARGEST
    with opened(browser, report, 1280) as page:
        assert page.locator(".figure").count() == FIGURES
        page.wait_for_timeout(300)
        assert page.locator(".figure.drawn").count() <= 2  # those below wait until they are near
        assert page.locator(".trial-table tbody tr").count() == 50
        page.evaluate("document.querySelector('#progress details').open = true")
        page.locator("#progress details").scroll_into_view_if_needed()
        page.wait_for_selector("#progress details .figure.drawn")


def test_the_table_is_sorted_and_shown_in_full(browser: Browser, report: Path, made: MadeStudy) -> None:
    with opened(browser, report, 1280) as page:
        overall = page.locator(".trial-table thead button", has_text="overall")
        rates = page.locator(".trial-table thead button", has_text="optim.learning_rate")
        rates.click()
        assert page.locator(".trial-table th[aria-sort='descending']").inner_text().startswith("optim.learning_rate")
        values = column(page, "optim.learning_rate")
        assert len(values) == 50
        assert values == sorted(values, reverse=True)
        everything = sorted((float(row["setting optim.learning_rate"]) for row in rows(report)), reverse=True)
        assert values == pytest.approx(everything[:50], rel=1e-3)
        page.locator("#trials .more button").click()
        assert page.locator(".trial-table tbody tr").count() == TRIALS
        overall.click()
        overall.click()
        scores = column(page, "overall")
        failed = sum(trial.state.name == "FAIL" for trial in made.study.trials)
        assert scores == sorted(scores)
        assert len(scores) == TRIALS - failed  # which stand at the end, without a score
        page.locator("#trials .more button").click()
        assert page.locator(".trial-table tbody tr").count() == 50


def rows(report: Path) -> list[dict[str, str]]:
    with (report.parent / "trials.csv").open() as file:
        return list(csv.DictReader(file))


def column(page: Page, heading: str) -> list[float]:
    """Return the numbers in a column of the table of trials, in order."""
    headings = page.locator(".trial-table thead th").all_inner_texts()
    index = [one.rstrip(" ▲▼") for one in headings].index(heading)
    script = "([rows, at]) => rows.map((row) => row.cells[at].textContent)"
    texts = page.evaluate(
        f"(at) => ({script})([[...document.querySelector('.trial-table').tBodies[0].rows], at])", index
    )
    return [float(text) for text in texts if text]


def test_a_trial_opens_by_keyboard_by_its_point_and_by_address(browser: Browser, report: Path) -> None:
    pruned = next(row for row in rows(report) if row["state"] == "pruned" and not row["repeat_of"])
    with opened(browser, report, 390, anchor=f"#trial-{pruned['trial']}") as page:
        assert page.inner_text("#trial-title") == f"Trial {pruned['trial']}"
        said = page.inner_text("dialog")
        assert f"overall {float(pruned['overall']):.4f}" in said
        assert pruned["reason"] in said
        assert page.locator("dialog .figure.drawn .point").count() == 4 * (int(pruned["examples"]) // 3000)
        values = dict(line.split("\t")[:2] for line in said.splitlines() if line.startswith(("optim.", "smart.")))
        assert float(values["optim.learning_rate"]) == pytest.approx(
            float(pruned["setting optim.learning_rate"]), rel=1e-3
        )
        assert faint_texts(page) == []
        page.keyboard.press("Escape")
        assert not page.evaluate("document.querySelector('dialog').open")
        button = page.locator(".trial-table tbody button").nth(3)
        button.focus()
        number = button.inner_text()
        page.keyboard.press("Enter")
        assert page.inner_text("#trial-title") == f"Trial {number}"
        assert page.url.endswith(f"#trial-{number}")
        page.keyboard.press("Escape")
        page.evaluate("document.querySelector('.figure').scrollIntoView()")
        page.wait_for_selector("#progress .figure.drawn")
        page.evaluate(
            "document.querySelector('.figure').emit('plotly_click', { points: [{ text: '<b>trial 7</b>, pruned' }] })"
        )
        assert page.inner_text("#trial-title") == "Trial 7"


def test_what_failed_says_why(browser: Browser, report: Path) -> None:
    failed = next(row for row in rows(report) if row["state"] == "failed")
    with opened(browser, report, 1280, anchor=f"#trial-{failed['trial']}") as page:
        said = page.inner_text("dialog")
        assert failed["reason"] in said
        assert "torch.OutOfMemoryError" in page.inner_text("dialog pre")
        assert page.locator("dialog .figure").count() == 0
        assert "a smaller batch_size" in page.inner_text(".cost")


LETTERS = "getComputedStyle(document.querySelector('.figure .xtick text')).fill"


def letters(page: Page) -> str:
    """Return the colour of a figure's letters."""
    colour: str = page.evaluate(LETTERS)
    return colour


def test_figures_follow_the_colours_of_the_page_and_paper_is_light(browser: Browser, report: Path) -> None:
    with opened(browser, report, 1280, "dark") as page:
        page.evaluate("document.querySelector('.figure').scrollIntoView()")
        page.wait_for_selector(".figure.drawn .xtick text")
        dark = letters(page)
        page.emulate_media(color_scheme="light")
        page.wait_for_function(f"{LETTERS} !== '{dark}'")
        light = letters(page)
        page.emulate_media(color_scheme="dark")
        page.wait_for_function(f"{LETTERS} === '{dark}'")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert letters(page) == light
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert letters(page) == dark


def test_it_prints(browser: Browser, report: Path) -> None:
    with opened(browser, report, 1280, "dark") as page:
        content = page.pdf(format="A4")
        open_figures = page.locator("section > .grid .figure, section > figure .figure").count()
        assert page.locator(".figure.drawn").count() == open_figures  # those in closed folds are not printed
    assert content.startswith(b"%PDF")
    pages = len(re.findall(rb"/Type\s*/Page\b", content))
    assert 5 < pages < 20
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL)
    shown = sum(zlib.decompress(one).count(b" Tj") for one in streams if one[:1] == b"x")
    assert shown > 500  # runs of text


def test_markdown_and_csv_have_the_same(report: Path, made: MadeStudy) -> None:
    words = (report.parent / "report.md").read_text()
    for heading in ("## Answer", "### What made it better", "## The winner's settings", "## Cost and failures"):
        assert f"\n{heading}\n" in words
    assert "*950 more rows are not shown.*" in words
    assert len(rows(report)) == TRIALS
    sizes = {}
    for name in ("curves", "importance", "effects", "settings"):
        with (report.parent / f"{name}.csv").open() as file:
            sizes[name] = sum(1 for _ in csv.DictReader(file))
    assert sizes["curves"] == sum(len(made.folders.curve(number)) for number in range(TRIALS))
    assert sizes["importance"] == 8
    assert sizes["effects"] > 100
    assert sizes["settings"] > 3
