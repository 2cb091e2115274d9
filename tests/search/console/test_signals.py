"""Signals end a command that trains in one line, from its first line on."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
import typer

from search.console.signals import interruptible


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_the_driver_runs(number: signal.Signals, capsys: pytest.CaptureFixture[str]) -> None:
    @interruptible
    def command() -> None:
        os.kill(os.getpid(), number)
        pytest.fail("it goes on")

    before = signal.getsignal(number)
    with pytest.raises(typer.Exit) as end:
        command()
    assert end.value.exit_code == 130
    assert capsys.readouterr().err == "interrupted; run the same command again to resume\n"
    assert signal.getsignal(number) == before


def test_a_signal_during_an_import_waits_for_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "slow_to_import.py").write_text(
        "import signal, time\nsignal.raise_signal(signal.SIGTERM)\ntime.sleep(0.1)\nis_whole = True\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    @interruptible
    def command() -> None:
        __import__("slow_to_import")
        time.sleep(10)
        pytest.fail("it goes on")

    with pytest.raises(typer.Exit) as ended:
        command()
    assert ended.value.exit_code == 130
    assert sys.modules.pop("slow_to_import").is_whole
    assert capsys.readouterr().err == "interrupted; run the same command again to resume\n"


def test_what_a_library_makes_of_a_signal(capsys: pytest.CaptureFixture[str]) -> None:
    @interruptible
    def command() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt as interrupt:
            raise ValueError("not a valid format string") from interrupt

    with pytest.raises(typer.Exit) as ended:
        command()
    assert ended.value.exit_code == 130
    assert "run the same command again" in capsys.readouterr().err


def test_a_terminal_that_is_closed(tmp_path: Path) -> None:
    """The command hears of it by SIGHUP, and can write nothing to the terminal any more."""
    master, slave = os.openpty()
    arguments = ["-m", "search.run", "--study", "quickstart", "--runs-dir", str(tmp_path)]
    search = subprocess.Popen(
        [sys.executable, *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(slave)
    assert os.read(master, 1)  # the plan, before data is written and read
    os.close(master)
    assert search.wait(30) == 130
