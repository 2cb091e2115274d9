"""Measure how long a report of 1,000 trials takes to write, and to open in a browser.

    python -m tests.benchmarks.report_speed [--trials 1000] [--runs 5]

Opening is measured in headless Chromium, from the start of the navigation to the load event, and to the first figure
when the page is opened at one: ``#progress``.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import optuna
from playwright.sync_api import sync_playwright

from search.report.writing import write_report
from tests.search.large_study import large_study

_PARTS = {
    "records": "reading the trials",
    "curves": "reading their curves",
    "expected": "what the winner will score",
    "expected_progress": "what it was expected to, over the search",
    "mattered": "what mattered",
    "ensemble_section": "what an ensemble would score",
    "mistakes_section": "errors",
    "tradeoffs_section": "task against task",
    "shown_section": "figures and tables as parts of a page",
    "markdown": "Markdown",
}
_DRAWN = """() => new Promise((done) => {
  const look = () => document.querySelector(".figure.drawn") ? done(performance.now()) : setTimeout(look, 5);
  look();
})"""


def write(trials: int, root: Path) -> Path:
    """Print how long writing takes, in total and by part."""
    made = large_study(root, trials)
    began = time.perf_counter()
    page, *others = write_report(made.study, made.folders, root / "report")
    print(f"written in {time.perf_counter() - began:.1f} s; page {page.stat().st_size / 1e6:.1f} MB, ", end="")
    print(f"the other files {sum(path.stat().st_size for path in others) / 1e6:.1f} MB")
    profile = cProfile.Profile()
    profile.runcall(write_report, made.study, made.folders, root / "report")
    rows = pstats.Stats(profile).stats.items()  # type: ignore[attr-defined]
    total = max(times[3] for _, times in rows)
    for name, what in _PARTS.items():
        share = sum(times[3] for (_, _, function), times in rows if function == name) / total
        print(f"  {100 * share:3.0f} %  {what}")
    return page


def open_page(page_file: Path, runs: int) -> None:
    """Print how long opening takes at phone and desktop width."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for width in (390, 1280):
            loaded, drawn = [], []
            for _ in range(runs):
                page = browser.new_context(viewport={"width": width, "height": 900}, offline=True).new_page()
                page.goto(page_file.as_uri() + "#progress")
                drawn.append(page.evaluate(_DRAWN))
                loaded.append(page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))
                page.context.close()
            print(f"{width:5} px: loaded after {statistics.median(loaded):.0f} ms, ", end="")
            print(f"first figure after {statistics.median(drawn):.0f} ms (median of {runs})")
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        open_page(write(options.trials, Path(folder)), options.runs)


if __name__ == "__main__":
    main()
