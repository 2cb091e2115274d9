"""Commands whose folders are write-protected, full or no folders end in one line that says what to do."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
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
from tests.search.fuzzing.house import House, make_house

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


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with pytest.MonkeyPatch.context() as patch:
        made = make_house(tmp_path_factory.mktemp("protected") / "house", patch)
        study = (made.folder / "micro.toml").read_text()
        rephrased = '[base.augmentation.mood.rephrased]\nmodel = "llama"\nfraction = 0.5\n'
        (made.folder / "rephrased.toml").write_text(study.replace("[base.data]", f"{rephrased}\n[base.data]"))
        shutil.rmtree(made.folder / "runs" / "micro" / "report")
        shutil.rmtree(made.folder / "runs" / "micro" / "export")
        yield made


@pytest.fixture
def fill() -> Iterator[Callable[[Path], None]]:
    """Move a folder to a disk that is then full."""
    mounted: list[Path] = []

    def act(folder: Path) -> None:
        away = folder.rename(folder.with_name("away"))
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
        if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("to this user it is not permitted to mount a disk")
        mounted.append(folder)
        shutil.copytree(away, folder, dirs_exist_ok=True)
        shutil.rmtree(away)
        with suppress(OSError), (folder / "filler").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    yield act
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


WRITERS = {
    "run": ("--study", "micro.toml", "--trials", "3"),
    "export": ("--study", "micro", "--trial", "1", "--device", "cpu"),
    "ensemble": ("--study", "micro", "--trials", "0,1"),
    "report": ("--study", "micro"),
    "pareto": ("--study", "micro", "--cost", "all"),
    "compare": ("micro:0", "micro:1", "--output", "runs/micro/changes/all.csv"),
    "finalists": ("--study", "micro", "--top", "1", "--seeds", "1"),
    "ablate": ("--study", "micro", "--seeds", "1"),
    "augment": ("--study", "rephrased.toml", "--endpoint", "http://127.0.0.1:1/v1", "--yes"),
}
IN_THE_WAY = {
    **dict.fromkeys(("report", "pareto", "export", "ensemble"), "runs/micro/{}"),
    "run": "runs/cache/tokens",
    "compare": "runs/micro/changes",
    "finalists": "runs/micro-finalists",
    "ablate": "runs/micro-ablation",
    "augment": "runs/answers",
}
REMEDIES = {
    "protected": r"Operation not permitted|Permission denied|is read-only; check the permissions of the f(older|ile)",
    "file": r"'runs/[^']*' is a file where a folder is needed: move it away, or use another folder$",
    "full": r"No space left on device; free some space, then run the same command again$",
}


@pytest.mark.parametrize("command", WRITERS)
@pytest.mark.parametrize("fault", REMEDIES)
def test_a_folder_that_takes_no_files(
    fault: str, command: str, house: House, tmp_path: Path, protect: Protect, fill: Callable[[Path], None]
) -> None:
    """Every command that writes says in one line which folder, why, and what to do; what was there stays."""
    if (fault, command) == ("full", "augment"):
        pytest.skip("an empty file of answers fits on a full disk; test_augment.py fills it later")
    with house.copied(tmp_path / "copy") as copy:
        runs = copy / "runs"
        if fault == "protected":
            protect(runs if command in ("run", "finalists", "ablate", "augment") else runs / "micro")
        elif fault == "full":
            fill(runs)
        else:
            obstacle = Path(IN_THE_WAY[command].format(command))
            shutil.rmtree(obstacle, ignore_errors=True)
            obstacle.write_text("of the user")
        before = results(runs)
        done = house.run((command, *WRITERS[command])).result
        assert done is not None
        assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.output
        assert re.search(REMEDIES[fault], done.stderr.strip()), done.stderr
        after = results(runs)
        assert {name: after.get(name) for name in before} == before


def results(runs: Path) -> dict[str, str]:
    """Return a digest of each file of a study's results."""
    files = [path for path in runs.glob("*/**/*") if path.is_file() and not path.name.startswith("driver.")]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("command", ["predict", "score", "clean", "doctor", "dashboard", "finalists"])
def test_commands_that_only_read_a_study(command: str, house: House, tmp_path: Path, protect: Protect) -> None:
    words = {
        "predict": ("--model-dir", "runs/micro/export/model", "--task", "mood", "--device", "cpu"),
        "score": ("--study", "micro", "--labels", "labels"),
        "clean": ("--yes",),
        "doctor": ("--study", "micro.toml"),
        "dashboard": ("--port", "0"),
        "finalists": ("--study", "micro", "--top", "1", "--seeds", "1", "--dry-run"),
    }[command]
    with house.copied(tmp_path / "copy") as copy:
        if command in ("predict", "score"):
            assert house.run(("export", "--study", "micro")).result.exit_code == 0  # type: ignore[union-attr]
        protect(copy / "runs" / "micro")
        done = house.run((command, *words), "a good film\n").result
        assert done is not None
        assert done.exit_code == (2 if command == "doctor" else 0), done.output
        assert done.stderr == ""
        if command == "doctor":
            assert re.search(r"cannot write to .*micro: .*; make it writable, or pass another --runs-dir", done.stdout)


def test_clean_makes_room_on_a_full_disk(house: House, tmp_path: Path, fill: Callable[[Path], None]) -> None:
    with house.copied(tmp_path / "copy") as copy:
        model = copy / "runs" / "micro" / "trial-0000" / "best" / "model.safetensors"
        assert model.exists()
        fill(copy / "runs")
        done = house.run(("clean", "--yes", "--keep", "0")).result
        assert done is not None
        assert done.exit_code == 0, done.output
        assert not model.exists()
