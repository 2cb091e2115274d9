"""What is said of a study before it starts."""

from __future__ import annotations

from rich.console import Console

from core.config import RunConfig
from core.speed import Speed
from data.task_files import builtin_tasks
from search.plan import show_estimate

RUN = RunConfig.model_validate(
    {"tasks": {"sst": {"spec": builtin_tasks()["sst"]}}, "budget": {"examples": 6000}, "eval": {"rungs": 2}}
)


def estimate(speed: Speed) -> tuple[float, str]:
    console = Console(width=500, record=True)
    with console.capture() as captured:
        seconds = show_estimate(console, speed, RUN, trials=5, workers=2)
    return seconds, captured.get()


def test_the_stages_of_the_base_count_once() -> None:
    """A trial takes 6,000 / 10 + 2 * 300 / 10 s; three in a row on two workers, and 20 minutes of stages before."""
    seconds, plain = estimate(Speed(10.0, 10.0, 300))
    assert seconds == 660
    assert "a full trial of the base takes about 11 min, 5 of them on 2 worker(s) at most 33 min;" in plain
    assert "pretraining" not in plain
    seconds, words = estimate(Speed(10.0, 10.0, 300, pretraining_seconds=1200))
    assert seconds == 660
    assert "5 of them on 2 worker(s) at most 53 min;" in words
    assert (
        "stages: the base's further pretraining takes about 20 min (measured), counted once below: "
        "trials with the same stages share it"
    ) in words
