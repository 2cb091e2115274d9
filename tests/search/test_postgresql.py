"""A study in a real PostgreSQL server, interrupted and resumed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from stub_study import StubStudy, changed

from data.errors import UserError
from search.driver import Driver
from search.events import Event, TrialEvaluated
from search.storage import describe_storage, open_storage


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a server of our own on the loopback interface."""
    found = [*sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")), *filter(None, [shutil.which("initdb")])]
    if not found:
        pytest.skip("no PostgreSQL server on this machine")
    binaries = Path(found[-1]).parent
    folder = tmp_path_factory.mktemp("postgresql")
    # PostgreSQL refuses to run as root.
    become = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if become:
        for path in (folder, *list(folder.parents)[:2]):
            path.chmod(0o755)
        shutil.chown(folder, "postgres")
    cluster, port = str(folder / "cluster"), _free_port()

    def call(*command: str) -> None:
        subprocess.run([*become, *command], check=True, stdout=subprocess.DEVNULL, cwd="/")

    call(str(binaries / "initdb"), "-D", cluster, "-U", "onebert", "-A", "trust")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    call(str(binaries / "pg_ctl"), "-D", cluster, "-o", options, "-l", str(folder / "log"), "-w", "start")
    try:
        yield f"postgresql://onebert@127.0.0.1:{port}/postgres"
    finally:
        call(str(binaries / "pg_ctl"), "-D", cluster, "-m", "immediate", "stop")


def test_a_study_is_interrupted_and_goes_on(server: str, tmp_path: Path) -> None:
    study = StubStudy(tmp_path, changed(pruner="halving", trials=5))
    undisturbed = StubStudy(tmp_path / "sqlite", changed(pruner="halving", trials=5))
    undisturbed.run()

    def driver() -> Driver:
        return Driver(study.spec, open_storage(server, tmp_path), study.executor(), study.folder)

    stopping = driver()
    seen: list[Event] = []

    def stop_once(event: Event) -> None:
        seen.append(event)
        if sum(isinstance(e, TrialEvaluated) for e in seen) == 6:
            os.kill(os.getpid(), 2)

    assert not stopping.run([stop_once]).finished
    assert driver().run().finished
    trials = optuna.load_study(study_name="stub", storage=open_storage(server, tmp_path)).get_trials()
    assert [(t.state, t.params, t.value) for t in trials] == [(t.state, t.params, t.value) for t in undisturbed.trials]


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    url = f"postgresql://me:secret@127.0.0.1:{_free_port()}/studies"
    with pytest.raises(UserError, match=r"cannot be opened: .*refused") as caught:
        open_storage(url, tmp_path)
    assert "secret" not in str(caught.value)
    assert "***" in describe_storage(url, tmp_path)
