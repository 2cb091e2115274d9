"""How commands end, and what they have in common."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from data.errors import UserError
from search.console.cli import RunsDir, check_data_folder, entry_point, location_options, make_app
from search.trials.folders import RUNS


def ended(error: BaseException) -> tuple[int, str]:
    @entry_point
    def main() -> None:
        raise error

    result = CliRunner().invoke(make_app(main), [])
    return result.exit_code, result.stderr


def test_bad_input_ends_in_one_line() -> None:
    assert ended(UserError("no such thing")) == (2, "error: no such thing\n")
    assert ended(PermissionError(errno.EACCES, "Permission denied", "/a")) == (
        2,
        "error: cannot access '/a': Permission denied; check the permissions of the folder '/', or use another one\n",
    )
    assert ended(KeyboardInterrupt()) == (130, "")
    assert ended(typer.Exit(1)) == (1, "")


def test_a_bug_says_where_its_traceback_is(tmp_path: Path) -> None:
    @entry_point
    def main(runs_dir: RunsDir = RUNS) -> None:
        raise KeyError(runs_dir.name)

    result = CliRunner().invoke(make_app(main), ["--runs-dir", str(tmp_path)])
    (trace,) = tmp_path.iterdir()
    place = rf"test_cli\.py:\d+\); the traceback is in '{re.escape(str(trace))}'"
    assert result.exit_code == 1
    assert re.fullmatch(
        rf"error: this is a bug in onebert, please report .*: KeyError: '.*' \({place}\n", result.stderr
    )
    assert "Traceback (most recent call last)" in trace.read_text()
    assert trace.stat().st_mode & 0o077 == 0


def test_a_wrong_command_line_is_one_line() -> None:
    @entry_point
    def main(count: Annotated[int, typer.Option()]) -> None:
        raise AssertionError(count)

    lines = {
        (): "missing option '--count'; see --help",
        ("--count", "x"): "invalid value for '--count': Input should be a valid integer, unable to parse string as an "
        "integer; see --help",
        ("--count", "1", "--cuont"): "no such option: --cuont (Possible options: --count); see --help",
        ("--count", "1", "mo\nre"): "the argument 'mo\\nre' has a line break or another control character",
        ("--count", "1", "more"): "got unexpected extra argument(s) (more); see --help",
    }
    for arguments, line in lines.items():
        result = CliRunner().invoke(make_app(main), arguments)
        assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"error: {line}\n")


PRINT = """
from search.console.cli import entry_point, make_app

@entry_point
def main() -> None:
    for _ in range(20_000):
        print("größer 漢字 \\udcff")

make_app(main)()
"""


@pytest.mark.parametrize("output", ["file", "head", "/dev/full", "closed"])
def test_standard_output(output: str, tmp_path: Path) -> None:
    """It is UTF-8 in any locale; a reader that has had enough ends a command silently, a full disk in one line."""
    then = {"file": "> out", "head": "| head -n 1", "/dev/full": "> /dev/full", "closed": ">&-"}[output]
    (tmp_path / "program.py").write_text(PRINT, encoding="utf-8")
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{sys.executable} program.py {then}"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[3]), "LC_ALL": "C"}
        | {"PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    line = "größer 漢字 \\udcff\n".encode()
    full = (
        b"error: the operating system reports: No space left on device; free some space, then run the same command "
        b"again\n"
    )
    expected = {"file": (0, b"", b""), "head": (1, line, b""), "/dev/full": (2, b"", full), "closed": (0, b"", b"")}
    assert (done.returncode, done.stdout, done.stderr) == expected[output]
    if output == "file":
        assert (tmp_path / "out").read_bytes() == line * 20_000


def test_warnings_are_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # put back afterwards

    @entry_point
    def main() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning("mind the gap", UserWarning, "file.py", 1)

    main()
    assert capsys.readouterr().err == "warning: mind the gap\n"


def test_a_missing_data_folder_is_refused(tmp_path: Path) -> None:
    check_data_folder(None)
    check_data_folder(tmp_path)
    with pytest.raises(UserError, match="no data folder 'nowhere'; --data names the folder"):
        check_data_folder(Path("nowhere"))


def test_only_places_other_than_the_default_are_named() -> None:
    assert location_options(RUNS, None) == ""
    assert location_options(Path("other"), "sqlite:///x.db") == " --runs-dir other --storage 'sqlite:///x.db'"
