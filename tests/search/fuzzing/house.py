"""A folder with a study, its data, an encoder and recorded trials; commands run in copies of it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType

import pytest
import torch
from typer.testing import CliRunner, Result

from search.__main__ import app
from tests.search.fuzzing.executors import StubbornExecutor, TrainingExecutor
from tests.search.study_texts import TINY_BASE

__all__ = ["LONGEST_S", "House", "make_house"]

LONGEST_S = 120.0
"""What an input may take; most take a fifth of a second, and a busy machine may be a hundred times as slow."""

STUDY = (
    """\
description = "words of a mood"
trials = 2
sampler = { name = "tpe", n_startup_trials = 2 }
pruner = "none"

[tasks.mood]
kind = "classify"
files = { train = "mood-train.csv", dev = "mood-dev.csv", test = "mood-test.csv" }
columns = { id = "id", sentences = ["text"], label = "mood" }
classes = ["neg", "pos"]
metric = "accuracy"

[base.data]
directory = "data"
"""
    + TINY_BASE.replace("examples = 128", "examples = 64").replace("[64, 128]", "[32, 64]")
    + """\

[space]
"optim.learning_rate" = { low = 1e-4, high = 1e-2, log = true }
"heads.mood.dropout" = [0.0, 0.1]
"""
)
WORDS = ("good", "bad", "film", "dull", "great", "plot", "never", "always")
SIZES = {"train": 40, "dev": 30, "test": 10}


class _HangError(BaseException):
    """The command takes too long."""


@dataclass(frozen=True)
class Ended:
    """How a command ended; without a result, it did not end in time."""

    result: Result | None
    seconds: float
    overwritten: tuple[str, ...]

    @property
    def fault(self) -> str | None:
        """What breaks the rule; None if nothing does."""
        result = self.result
        if result is None:
            return f"hang: more than {LONGEST_S:g} s"
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            return f"traceback: {type(result.exception).__name__}: {result.exception}"
        if "this is a bug" in result.stderr:
            return f"bug: {result.stderr}"
        if "Traceback" in result.output:
            return f"traceback printed: {result.output[-500:]}"
        if result.exit_code not in (0, 1, 2, 130):
            return f"exit code {result.exit_code}"
        if self.overwritten:
            return f"written over: {self.overwritten}"
        return _too_much(result) if result.exit_code == 2 else None


def _too_much(result: Result) -> str | None:
    """Return what a refusal prints besides its line; None if nothing."""
    errors = re.findall(r"^error: ", result.stderr, re.MULTILINE)
    if not errors and re.search(r'^wrong |"wrong"', result.stdout, re.MULTILINE):
        return None  # what the doctor finds
    if len(errors) != 1:
        return f"{len(errors)} errors: {result.stderr[-500:]!r}"
    rest = _unexpected_lines(result.stderr)
    return f"more than a line: {rest!r}" if rest else None


def _unexpected_lines(text: str) -> list[str]:
    """Return lines after the error that are not further mistakes of a list."""
    lines = text[text.index("error: ") :].splitlines()
    place = lines[0].removeprefix("error: ").partition(":")[0].partition(".")[0]  # the file, or the options' table
    return [line for line in lines[1:] if not line.startswith((place, "  "))]


@dataclass(frozen=True)
class House:
    """The folder, and how to run commands in a copy."""

    folder: Path

    @contextmanager
    def copied(self, to: Path) -> Iterator[Path]:
        """Copy the folder, and work there."""
        shutil.copytree(self.folder, to)
        before = Path.cwd()
        os.chdir(to)
        try:
            yield to
        finally:
            os.chdir(before)
            shutil.rmtree(to, ignore_errors=True)

    def run(self, words: Sequence[str], text: str = "", own: Sequence[str] = ("runs",)) -> Ended:
        """Run a command in the current folder, and compare the files of the user before and after.

        Args:
            words: the command and its options.
            text: standard input.
            own: folders that commands may write to.
        """
        before, begun = _digests(own), time.monotonic()
        result = None
        with suppress(_HangError), _alarm():
            result = CliRunner(env={"COLUMNS": "100"}).invoke(app, list(words), input=text)
        seconds, after = time.monotonic() - begun, _digests(own)
        return Ended(result, seconds, tuple(name for name in before if after.get(name) != before[name]))


@contextmanager
def _alarm() -> Iterator[None]:
    def ring(_number: int, _frame: FrameType | None) -> None:
        raise _HangError

    former = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, LONGEST_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


def _digests(own: Sequence[str]) -> dict[str, str]:
    found = {}
    for path in Path().rglob("*"):
        if path.is_file() and path.parts[0] not in own and not path.name.endswith(("-wal", "-shm", "-journal")):
            found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def make_house(folder: Path, patch: pytest.MonkeyPatch) -> House:
    """Make the folder, with two trained trials, and replace what would train, serve or fetch in this process."""
    torch.set_num_threads(1)
    folder.mkdir(parents=True)
    rng = Random(0)
    (folder / "micro.toml").write_text(STUDY, encoding="utf-8")
    for name, sizes in (("data", SIZES), ("labels", {"test": SIZES["test"]})):
        (folder / name).mkdir()
        for split, size in sizes.items():
            rows = [f"{split}{n},{' '.join(rng.choices(WORDS, k=6))},{('neg', 'pos')[n % 2]}\n" for n in range(size)]
            (folder / name / f"mood-{split}.csv").write_text("id,text,mood\n" + "".join(rows), encoding="utf-8")
    shutil.copy(folder / "data" / "mood-test.csv", folder / "labels" / "mood-test.csv")
    house = House(folder)
    patch.setattr("socketserver.BaseServer.serve_forever", lambda *_, **__: None)
    patch.setattr("webbrowser.open", lambda *_, **__: True)
    patch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.MonkeyPatch.context() as training:
        training.chdir(folder)
        training.setattr("search.console.executor_choice.LocalExecutor", lambda *_, **__: TrainingExecutor(folder))
        for words in (("run", "--study", "micro.toml"), ("export", "--study", "micro"), ("report", "--study", "micro")):
            done = house.run(words).result
            assert done is not None
            assert done.exit_code == 0, done.output
    patch.setattr("search.console.executor_choice.LocalExecutor", lambda *_, **__: StubbornExecutor())
    return house
