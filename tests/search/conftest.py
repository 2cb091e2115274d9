"""Stub training code that spawned workers can import (they get this process's ``sys.path``), and a real tiny study."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.search.object_store import machine, runs_url, s3, two_trials

__all__ = ["machine", "runs_url", "s3", "two_trials"]

sys.path.insert(0, str(Path(__file__).parent / "stubs"))


TINY_STUDY = """
description = "four trials of a second each"
tasks = ["sst", "para", "sts"]
trials = 4
pruner = "none"
synthetic = { train = 400, dev = 60, test = 40 }

[base.model]
encoder = "scratch"
scratch = { vocab_size = 300, hidden_size = 16, intermediate_size = 32 }

[base.heads.para]
pair = "siamese"
pooling = "mean"

[base.heads.sts]
pair = "siamese"
pooling = "mean"

[base.optim]
learning_rate = 1e-3

[base.budget]
examples = 1600
batch_size = 20

[base.eval]
rungs = 4

[base.compute]
device = "cpu"
threads = 1

[space]
"optim.learning_rate" = { low = 1e-4, high = 1e-2, log = true }
"loss.weights" = { simplex = true }
"""


SEEDS_STUDY = (
    TINY_STUDY[: TINY_STUDY.index("[space]")]
    .replace("trials = 4", 'trials = 7\nsampler = "grid"')
    .replace("examples = 1600", "examples = 400")
    .replace("rungs = 4", "rungs = 2")
    + """
[space]
"optim.learning_rate" = [1e-3, 1e-2]
"seed" = [0, 1, 2]
"""
)


@dataclass(frozen=True)
class FinishedStudy:
    """A study that went through the real command line, and where its results are."""

    file: Path
    runs: Path
    log: str

    @property
    def name(self) -> str:
        return self.file.stem


def command(module: str, *arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run ``python -m module arguments`` and return what it printed, whatever its exit code."""
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)], capture_output=True, text=True, check=False, **options
    )


@pytest.fixture(scope="session")
def tiny_study() -> str:
    return TINY_STUDY


@pytest.fixture(scope="session")
def run_command() -> Callable[..., subprocess.CompletedProcess[str]]:
    return command


def finished(text: str, name: str, folder: Path) -> FinishedStudy:
    file = folder / f"{name}.toml"
    file.write_text(text)
    done = command("search.run", "--study", file, "--runs-dir", folder / "runs")
    assert done.returncode == 0, done.stderr
    return FinishedStudy(file, folder / "runs", done.stdout)


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory: pytest.TempPathFactory) -> FinishedStudy:
    """Run four real trials of a tiny BERT, once for all tests that only read them."""
    return finished(TINY_STUDY, "tiny", tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="session")
def study_of_seeds(tmp_path_factory: pytest.TempPathFactory) -> FinishedStudy:
    """Run two learning rates with three seeds each; the default configuration is on the grid too."""
    return finished(SEEDS_STUDY, "seeds", tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start headless Chromium, or skip. It ends with the module, since other tests count and kill their children."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield browser
        browser.close()
