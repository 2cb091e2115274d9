"""Studies with and without finalists, trained once for all tests that only read them."""

from __future__ import annotations

import shutil
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from search.run import main as run_main
from tests.search.finalists.rates_study import RATES, final, stub_training


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train with the stub in this process."""
    stub_training(monkeypatch)


@pytest.fixture(scope="session")
def searched_once(tmp_path_factory: pytest.TempPathFactory, tiny_study: str) -> Path:
    """Return the runs folder of ``rates``: three good learning rates, and the default, which learns nothing."""
    folder = tmp_path_factory.mktemp("searched")
    text = tiny_study[: tiny_study.index("[space]")].replace("trials = 4", 'trials = 4\nsampler = "grid"')
    text = text.replace("learning_rate = 1e-3", "learning_rate = 1e-1").replace("dev = 60", "dev = 200")
    (folder / "rates.toml").write_text(text + RATES)
    with pytest.MonkeyPatch.context() as patch:
        stub_training(patch)
        run_main(str(folder / "rates.toml"), runs_dir=folder / "runs", quiet=True, trials=5)
    return folder / "runs"


@pytest.fixture
def searched(searched_once: Path, tmp_path: Path) -> Path:
    """Return a copy that a test may change."""
    return Path(shutil.copytree(searched_once, tmp_path / "runs"))


@pytest.fixture(scope="session")
def finished_final(searched_once: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the runs folder with finalists, and what the command printed."""
    runs = Path(shutil.copytree(searched_once, tmp_path_factory.mktemp("final") / "runs"))
    printed = StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed):
        stub_training(patch)
        final(runs, quiet=False)
    return runs, printed.getvalue()


@pytest.fixture(scope="session")
def final_of_one(tmp_path_factory: pytest.TempPathFactory, tiny_study: str) -> Path:
    """Return a runs folder with a single finalist, the default configuration, trained over one seed."""
    folder = tmp_path_factory.mktemp("final")
    with pytest.MonkeyPatch.context() as patch:
        stub_training(patch)
        (folder / "rates.toml").write_text(tiny_study)
        run_main(str(folder / "rates.toml"), runs_dir=folder / "runs", quiet=True)
        final(folder / "runs", top=1, seeds=1, preset=None)
    return folder / "runs"
