"""Commands whose folders are write-protected end in one line."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from search.ablate.__main__ import main as ablate
from search.clean.__main__ import main as clean
from search.compare.__main__ import main as compare
from search.console.cli import make_app
from search.finalists.__main__ import main as finalists
from search.pareto.__main__ import main as pareto
from search.report.__main__ import main as report
from search.run import main as run

Protect = Callable[[Path], None]


@pytest.fixture
def protect() -> Iterator[Protect]:
    """Forbid to change a folder, or a file, until the test ends; root needs more than its permissions for that."""
    protected: list[tuple[Path, int]] = []
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0

    def act(path: Path) -> None:
        protected.append((path, path.stat().st_mode))
        if is_root and subprocess.run(["chattr", "+i", path], capture_output=True, check=False).returncode:
            pytest.skip("root cannot protect files here")
        if not is_root:
            path.chmod(0o555)

    yield act
    for path, mode in protected:
        if is_root:
            subprocess.run(["chattr", "-i", path], capture_output=True, check=False)
        else:
            path.chmod(mode)


@pytest.fixture(scope="module")
def runs(finished_study: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(finished_study.runs, tmp_path_factory.mktemp("protected") / "runs"))


COMMANDS: list[tuple[Callable[..., None], list[str]]] = [
    (run, ["--study", "FILE", "--trials", "5"]),
    (report, ["--study", "tiny"]),
    (pareto, ["--study", "tiny"]),
    (finalists, ["--study", "tiny", "--top", "1"]),
    (ablate, ["--study", "tiny"]),
    (clean, ["--yes"]),
    (compare, ["tiny:0", "tiny:1", "--output", "RUNS/tiny/changes.csv"]),
]


@pytest.mark.parametrize(
    ("folder", "main", "arguments"),
    [
        (folder, *command)
        for folder in ("", "tiny", "studies.db")
        for command in COMMANDS
        if folder != "tiny" or command[0] not in (finalists, ablate)  # they train, in folders of their own
    ],
)
def test_write_protection(
    runs: Path, finished_study: Any, protect: Protect, folder: str, main: Callable[..., None], arguments: list[str]
) -> None:
    shutil.rmtree(runs / "tiny" / "report", ignore_errors=True)
    shutil.rmtree(runs / "tiny" / "pareto", ignore_errors=True)
    (runs / "tiny" / "changes.csv").unlink(missing_ok=True)
    protect(runs / folder)
    given = [one.replace("RUNS", str(runs)).replace("FILE", str(finished_study.file)) for one in arguments]
    done = CliRunner().invoke(make_app(main), [*given, "--runs-dir", str(runs)])
    errors = [line for line in done.stderr.splitlines() if not line.startswith("warning: ")]
    is_refused = main is not clean if folder == "tiny" else main in (run, finalists, ablate)
    assert done.exit_code in ((2,) if is_refused else (0, 2)), done.output
    assert len(errors) == (done.exit_code == 2)
    assert not any("bug" in line for line in errors)
