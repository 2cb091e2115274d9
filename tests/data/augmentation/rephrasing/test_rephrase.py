"""Asking for rephrasings: every answer is kept, whatever fails, stops or is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.augmentation.rephrasing.answer_check import Refusal
from data.augmentation.rephrasing.plan import plan_rephrasing
from data.augmentation.rephrasing.rephrase import rephrase
from data.augmentation.rephrasing.replay import replay
from data.errors import UserError
from tests.data.augmentation.rephrasing.jobs import job, run, split

ROOT = Path(__file__).resolve().parents[4]


def test_labels_and_sources_are_those_of_the_original(stub: Any, tmp_path: Path) -> None:
    stub.declines("plot 2")
    made = run(stub, job(tmp_path), concurrency=3)
    assert [sentence for (sentence,) in made.extra.sentences] == [
        f"nice a film with plot {number} ." for number in range(8) if number != 2
    ]
    np.testing.assert_array_equal(made.extra.sources, [0, 1, 3, 4, 5, 6, 7])
    np.testing.assert_array_equal(made.extra.labels, [0, 1, 3, 4, 0, 1, 2])
    assert made.summary.made == 7
    assert made.summary.left_out == 1
    assert stub.most_at_once <= 3


def test_a_second_run_asks_nothing(stub: Any, tmp_path: Path) -> None:
    stub.declines("plot 2")
    first = run(stub, job(tmp_path))
    asked = len(stub.calls)
    plan = plan_rephrasing(job(tmp_path), stub.settings())
    assert plan.requests == 0
    assert "no request" in plan.describe()
    for again in (rephrase(plan), replay(job(tmp_path))):
        assert again.extra.sentences == first.extra.sentences
        np.testing.assert_array_equal(again.extra.sources, first.extra.sources)
        assert again.summary.refused == first.summary.refused == {Refusal.DECLINED: 3}
        assert (again.summary.cached, again.summary.requests) == (7, 0)
    assert len(stub.calls) == asked == first.summary.requests == 7 + 3


def test_the_same_whatever_the_order_of_answers(stub: Any, reply: Any, tmp_path: Path) -> None:
    stub.behave = lambda call: reply.saying(f"temperature {call.body['temperature']} {call.sentence}")
    one = run(stub, job(tmp_path / "1"), concurrency=1)
    stub.behave = lambda call: reply.saying(
        f"temperature {call.body['temperature']} {call.sentence}", delay=0.1 * (len(stub.calls) % 3)
    )
    many = run(stub, job(tmp_path / "8"), concurrency=8)
    assert many.extra.sentences == one.extra.sentences


def test_an_endpoint_that_fails_for_good_keeps_what_it_has_answered(stub: Any, reply: Any, tmp_path: Path) -> None:
    stub.behave = lambda call: (
        reply.failing(401, "expired") if len(stub.calls) > 5 else reply.saying("nice " + call.sentence)
    )
    with pytest.raises(UserError) as error:
        run(stub, job(tmp_path), concurrency=1)
    message = str(error.value)
    assert message.startswith(f"{stub.base_url}/chat/completions: status 401 (")
    assert "5 of 8 examples are done" in message
    assert str(tmp_path / "answers.jsonl") in message
    assert "\n" not in message
    assert len(replay(job(tmp_path)).extra) == 5
    stub.behave = lambda call: reply.saying("nice " + call.sentence)
    made = run(stub, job(tmp_path))
    assert (made.summary.made, made.summary.cached, made.summary.requests) == (8, 5, 3)
    assert made.extra.sentences[:5] == replay(job(tmp_path)).extra.sentences[:5]


def test_a_dead_endpoint_ends_the_run_soon(tmp_path: Path, stub: Any, reply: Any) -> None:
    stub.behave = lambda _: reply.failing(503, "down")
    many = split(*(f"plot {number}" for number in range(200)))
    with pytest.raises(UserError, match="status 503"):
        run(stub, job(tmp_path, many), attempts=2, concurrency=4)
    assert len(stub.calls) < 30


def test_single_failures_are_counted_and_asked_again_next_time(stub: Any, reply: Any, tmp_path: Path) -> None:
    nice = stub.behave
    stub.behave = lambda call: reply.failing(400, "filtered") if "plot 3" in call.sentence else nice(call)
    made = run(stub, job(tmp_path), concurrency=1)
    assert (made.summary.made, made.summary.failed) == (7, 1)
    assert "filtered" in made.summary.describe()
    stub.behave = nice
    assert run(stub, job(tmp_path)).summary.requests == 1


def test_an_interrupt_keeps_the_answers_under_way(stub: Any, reply: Any, tmp_path: Path) -> None:
    stub.behave = lambda call: reply.saying(f"nice {call.sentence}", delay=0.0 if "plot 0" in call.sentence else 0.5)

    def interrupt(*_: int) -> None:
        while len(stub.calls) < 3:
            time.sleep(0.01)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rephrase(plan_rephrasing(job(tmp_path), stub.settings(concurrency=2)), interrupt)
    assert len(stub.calls) == 3
    assert len(replay(job(tmp_path)).extra) == 3  # the first, and the two under way


def test_an_interrupt_ends_the_wait_for_the_rate_limit(stub: Any, tmp_path: Path) -> None:
    def interrupt(*_: int) -> None:
        raise KeyboardInterrupt

    plan = plan_rephrasing(job(tmp_path), stub.settings(concurrency=2, requests_per_minute=2))
    before = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        rephrase(plan, interrupt)  # while the second request waits for its turn in 30 s
    assert time.monotonic() - before < 10
    assert len(stub.calls) == 1


def test_progress_is_reported(stub: Any, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    run(stub, job(tmp_path, positions=[0, 1]))
    rephrase(plan_rephrasing(job(tmp_path), stub.settings()), lambda done, of: told.append((done, of)))
    assert told == [(number, 8) for number in range(3, 9)]


def test_two_runs_at_the_same_time(stub: Any, tmp_path: Path) -> None:
    held = threading.Event()
    nice = stub.behave

    def hold(call: Any) -> Any:
        held.wait(20)
        return nice(call)

    stub.behave = hold
    first = threading.Thread(target=run, args=(stub, job(tmp_path)), kwargs={"concurrency": 1, "timeout_s": 30})
    first.start()
    while not stub.calls:
        time.sleep(0.01)
    with pytest.raises(UserError, match="another process is writing to"):
        run(stub, job(tmp_path))
    held.set()
    first.join()
    assert set(stub.sentences.values()) == {1}


CHILD = """
import sys
from pathlib import Path
import numpy as np
from data.augmentation.rephrasing.endpoint_settings import EndpointSettings
from data.augmentation.rephrasing.job import RephrasingJob
from data.augmentation.rephrasing.plan import plan_rephrasing
from data.augmentation.rephrasing.rephrase import rephrase
from data.augmentation.rephrasing.settings import RephrasingSettings
from data.reading import RawSplit

base_url, folder = sys.argv[1:]
rows = [(f"a film with plot {number} .",) for number in range(8)]
train = RawSplit([str(k) for k in range(8)], rows, np.arange(8) % 5, [], Path("train.csv"))
job = RephrasingJob(train, RephrasingSettings(model="llama"), Path(folder))
rephrase(plan_rephrasing(job, EndpointSettings(base_url=base_url, concurrency=1)))
"""


def test_killed_and_resumed(stub: Any, tmp_path: Path) -> None:
    """Everything that was answered is asked once; what was under way when the process was killed, twice."""
    released = threading.Event()
    nice = stub.behave

    def hold_the_fifth(call: Any) -> Any:
        if len(stub.calls) == 5:
            released.wait(60)
        return nice(call)

    stub.behave = hold_the_fifth
    command = [sys.executable, "-c", CHILD, stub.base_url, str(tmp_path)]
    child = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        deadline = time.monotonic() + 60
        while len(stub.calls) < 5 and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
        released.set()
    lines = (tmp_path / "answers.jsonl").read_bytes().splitlines(keepends=True)
    assert len(lines) == 4
    # Killed while it wrote the last of them.
    (tmp_path / "answers.jsonl").write_bytes(b"".join(lines) + lines[0][: len(lines[0]) // 2])

    assert plan_rephrasing(job(tmp_path), stub.settings()).requests == 4
    made = run(stub, job(tmp_path))
    assert (made.summary.made, made.summary.cached, made.summary.requests) == (8, 4, 4)
    assert sorted(stub.sentences.values()) == [1] * 7 + [2]
    assert stub.sentences["a film with plot 4 ."] == 2
    assert len((tmp_path / "answers.jsonl").read_bytes().splitlines()) == 8


def test_the_key_is_in_no_file(stub: Any, reply: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUB_KEY", "sk-very-secret-0123")
    stub.behave = lambda call: reply.saying(f"{call.sentence} {call.headers['Authorization']}")
    made = run(stub, job(tmp_path), key_variable="STUB_KEY")
    assert made.summary.made == 8
    files = [path.read_text() for path in tmp_path.iterdir()]
    assert any("Bearer ***" in text for text in files)
    assert not any("secret" in text for text in (*files, repr(made)))
