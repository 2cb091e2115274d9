"""What is said of a study before it starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from core.run.speed import Speed
from search.console.plan import show_estimate
from search.driver.budget import Remaining
from search.study.file import load_study

STUDY = """\
tasks = ["sst"]
workers = 2
pruner = "median"
base.budget.examples = 6000
base.eval.rungs = 2
"""
FIVE = Remaining(5)
SPACE = '[space]\n"heads.sst.layers" = [1, 2]\n'


def estimate(folder: Path, speed: Speed, text: str = STUDY + SPACE, remaining: Remaining = FIVE) -> tuple[float, str]:
    (folder / "study.toml").write_text(text)
    console = Console(width=500, record=True)
    with console.capture() as captured:
        seconds = show_estimate(console, speed, load_study(folder / "study.toml"), remaining)
    return seconds, captured.get()


def test_the_stages_of_the_base_count_once(tmp_path: Path) -> None:
    """A trial takes 6,000 / 10 + 2 * 300 / 10 s; three in a row on two workers, and 20 minutes of stages before."""
    seconds, plain = estimate(tmp_path, Speed(10.0, 10.0, 300))
    assert seconds == 660
    assert (
        "a full trial of the base takes about 11 min; 5 of them on 2 worker(s) take at most 33 min, less with pruning"
        in plain
    )
    assert "pretraining" not in plain
    seconds, words = estimate(tmp_path, Speed(10.0, 10.0, 300, pretraining_seconds=1200))
    assert seconds == 660
    assert "5 of them on 2 worker(s) take at most 53 min," in words
    assert (
        "stages: further pretraining of the base takes about 20 min (measured), counted once below, "
        "because trials with the same stages share it"
    ) in words


def test_nothing_is_promised_that_is_not_known(tmp_path: Path) -> None:
    """Without a pruner nothing makes it less, and the first variant of a comparison says little about the others."""
    speed = Speed(10.0, 10.0, 300)
    unpruned = estimate(tmp_path, speed, STUDY.replace("median", "none") + SPACE)[1]
    assert unpruned.endswith("5 of them on 2 worker(s) take at most 33 min\n")
    variants = "[variants]\nplain = {}\ndeep = { heads.sst.layers = 2 }\n"
    compared = estimate(tmp_path, speed, STUDY + variants)[1]
    assert "a trial of 'plain', the first variant, takes about 11 min; 5 trials on 2 worker(s)" in compared
    assert "at most" not in compared


@pytest.mark.parametrize(
    ("remaining", "said"),
    [  # 6,000 examples at 10 a second, and 5 x 300 dev examples at 10 a second: 750 s
        (Remaining(None), "the search stops once further trials are not expected to help"),
        (Remaining(None, seconds=3000.0), "the budget is enough for 4 of them on 1 worker(s)"),
        (Remaining(None, seconds=3000.0, examples=13_000), "the budget is enough for 3 of them on 1 worker(s)"),
        (Remaining(20, seconds=3000.0), "20 of them on 1 worker(s) take at most 50 min"),
        (Remaining(20), "20 of them on 1 worker(s) take at most 4.2 h"),
    ],
)
def test_the_estimate_does_not_promise_more_than_the_limits_allow(
    tmp_path: Path, remaining: Remaining, said: str
) -> None:
    study = STUDY.replace("workers = 2\n", "").replace("median", "none").replace("rungs = 2", "rungs = 5")
    assert estimate(tmp_path, Speed(10.0, 10.0, 300), study + SPACE, remaining)[1].rstrip().endswith(said)


@pytest.mark.parametrize(
    ("load", "is_terminal", "is_said"), [(4.0, True, True), (2.0, True, False), (4.0, False, False)]
)
def test_a_busy_machine_is_mentioned_in_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load: float, is_terminal: bool, is_said: bool
) -> None:
    monkeypatch.setattr("os.getloadavg", lambda: (load, 0.0, 0.0))
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    (tmp_path / "study.toml").write_text(STUDY + SPACE)
    console = Console(width=500, force_terminal=is_terminal, highlight=False)
    with console.capture() as capture:
        show_estimate(console, Speed(100.0, 200.0, 300), load_study(tmp_path / "study.toml"), FIVE)
    assert ("other programs keep about 2 of the 2 cores busy" in capture.get()) == is_said
