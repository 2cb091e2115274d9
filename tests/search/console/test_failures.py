"""The line and the exit code that each kind of exception ends a command with."""

from __future__ import annotations

import errno
import io
import sys
from pathlib import Path

import pytest

from data.errors import MachineError, UserError
from search.console.failures import ExitCode, ending, open_streams


def raised(error: BaseException) -> BaseException:
    """Return the exception with a traceback."""
    try:
        raise error
    except BaseException as caught:
        return caught


def test_mistakes_interrupts_and_faults_of_the_machine() -> None:
    assert ending(UserError("no task 'foo'")) == ("no task 'foo'", ExitCode.BAD_INPUT)
    assert ending(KeyboardInterrupt()) == ("", ExitCode.INTERRUPTED)
    error = ValueError("not a valid format string")  # NumPy makes this of a Ctrl-C that comes while it is imported
    error.__cause__ = KeyboardInterrupt()
    assert ending(error) == ("", ExitCode.INTERRUPTED)
    full = OSError(errno.ENOSPC, "No space left on device", "/a/file")
    advice = "; free some space, then run the same command again"
    assert ending(full) == (f"cannot access '/a/file': No space left on device{advice}", ExitCode.BAD_INPUT)
    fault = MachineError("cannot write '/a/file': No space left on device")
    assert ending(fault) == (str(fault), ExitCode.BAD_INPUT)
    fault.__cause__ = full
    assert ending(fault) == (f"{fault}{advice}", ExitCode.BAD_INPUT)
    assert [int(code) for code in ExitCode] == [0, 1, 2, 130]


def test_a_bug_leaves_its_traceback_in_the_runs_folder_without_passwords(tmp_path: Path) -> None:
    line, code = ending(raised(KeyError("postgresql://me:secret@host/db")), tmp_path)
    (trace,) = tmp_path.iterdir()
    assert code == ExitCode.FAILED
    assert line.startswith("this is a bug in onebert, please report it with the command and the traceback: KeyError: ")
    assert line.endswith(f"the traceback is in '{trace}'")
    assert "(test_failures.py:" in line
    written = trace.read_text(encoding="utf-8")
    assert "postgresql://me:***@host/db" in written
    assert "secret" not in written


def test_without_a_runs_folder_the_traceback_goes_where_temporary_files_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert ending(KeyError("x"), tmp_path / "missing")[0].endswith(f"the traceback is in '{next(tmp_path.iterdir())}'")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    assert ending(KeyError("x"))[0].endswith("its traceback cannot be written to a file")


class FullDisk(io.StringIO):
    """A stream that cannot be flushed."""

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


class GoneReader(io.StringIO):
    """A stream whose reader has gone."""

    def flush(self) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


def test_standard_output_that_takes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setattr(sys, "stdout", FullDisk())
    line = "cannot write to standard output: No space left on device"
    assert ending(OSError(errno.ENOSPC, "No space left on device")) == (line, ExitCode.BAD_INPUT)
    monkeypatch.setattr(sys, "stdout", GoneReader())
    assert ending(BrokenPipeError(errno.EPIPE, "Broken pipe")) == ("", ExitCode.FAILED)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    line, code = ending(OSError(errno.EIO, "Input/output error"))
    assert (line, code) == ("the operating system reports: Input/output error", ExitCode.BAD_INPUT)


def test_streams_write_what_utf_8_cannot_represent(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    monkeypatch.setattr(sys, "stderr", None)  # closed by the caller
    open_streams()
    print("größer \udcff", flush=True)
    assert written.getvalue() == "größer \\udcff\n".encode()
    assert sys.stderr is not None
    with sys.stderr as opened:
        opened.write("lost")
