"""How commands end, and what they have in common."""

from __future__ import annotations

import errno
import warnings
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from data.errors import UserError
from search.console.cli import check_data_folder, entry_point, location_options, make_app
from search.trials.folders import RUNS


def ended(error: BaseException) -> tuple[int, str]:
    @entry_point
    def main() -> None:
        raise error

    result = CliRunner().invoke(make_app(main), [])
    return result.exit_code, result.stderr


def test_bad_input_ends_in_one_line() -> None:
    assert ended(UserError("no such thing")) == (2, "error: no such thing\n")
    assert ended(OSError(errno.ENOSPC, "No space left")) == (2, "error: [Errno 28] No space left\n")
    assert ended(KeyboardInterrupt()) == (130, "")
    assert ended(typer.Exit(1)) == (1, "")


def test_other_errors_keep_their_traceback() -> None:
    @entry_point
    def main() -> None:
        raise PermissionError(errno.EACCES, "denied")

    with pytest.raises(PermissionError):
        main()


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
