"""One driver per study on one machine."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from stub_study import StubStudy

from data.errors import MachineError, UserError
from search.storage.file_lease import file_lease
from tests.core.full_disk import FullDisk

ROOT = Path(__file__).resolve().parents[3]
HOLD = """
import sys
from pathlib import Path
from search.storage.file_lease import file_lease

with file_lease(Path(sys.argv[1]), "s"):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(folder: Path) -> subprocess.Popen[str]:
    """Start another process that holds the lease until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_living_holder_is_named_and_a_dead_one_followed(tmp_path: Path) -> None:
    study = StubStudy(tmp_path)
    holder = hold(study.folder)
    message = (
        rf"study 'stub' is already being run by process {holder.pid} on {re.escape(socket.gethostname())} since 20\d\d-"
    )
    with pytest.raises(UserError, match=message + ".*--name NEW"):
        study.run()
    with pytest.raises(UserError, match=message):
        _ = study.driver().remaining
    assert not (tmp_path / "studies.db").exists() or not study.folder.joinpath("trial-0000").exists()
    holder.kill()
    holder.wait()
    assert (study.folder / "driver.json").exists()  # it could not clear up
    with file_lease(study.folder, "stub"):
        assert f'"pid": {os.getpid()}' in (study.folder / "driver.json").read_text()


def test_it_is_given_back(tmp_path: Path) -> None:
    for _ in range(2):
        with file_lease(tmp_path / "study", "s"):
            pass
    assert not (tmp_path / "study" / "driver.json").exists()


def test_a_holder_that_has_not_written_its_name_yet(tmp_path: Path) -> None:
    holder = hold(tmp_path)
    (tmp_path / "driver.json").write_text("")
    with pytest.raises(UserError, match="already being run by another process"), file_lease(tmp_path, "s"):
        pass
    holder.communicate()


def test_a_folder_that_takes_no_files_is_locked_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk too: what makes room there must know that no driver runs."""
    FullDisk(monkeypatch, "driver.json")
    with file_lease(tmp_path, "s", to_write=False):
        assert not (tmp_path / "driver.json").exists()
        with pytest.raises(UserError, match="is already being run by another process"), file_lease(tmp_path, "s"):
            pass
    FullDisk(monkeypatch, "driver.json")
    with pytest.raises(MachineError, match=r"cannot write '.*driver\.json': No space left"), file_lease(tmp_path, "s"):
        pass
    (tmp_path / "file").touch()
    with pytest.raises(MachineError, match=r"cannot write '.*driver\.lock'"), file_lease(tmp_path / "file", "s"):
        pass
