"""A PostgreSQL server for tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server of our own on the loopback interface."""

    url: str
    control: Callable[..., None]  # pg_ctl with these arguments

    def start(self) -> None:
        self.control("-w", "start")

    def stop(self) -> None:
        """Stop the server at once, as if it were killed."""
        self.control("-m", "immediate", "stop")


def a_server() -> Iterator[Server]:
    """Yield a running server, for a fixture; skip the test where PostgreSQL is not installed."""
    found = [*sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")), *filter(None, [shutil.which("initdb")])]
    if not found:
        pytest.skip("no PostgreSQL server on this machine")
    binaries = Path(found[-1]).parent
    # Not among pytest's folders, which another run of pytest closes to all other users.
    folder = Path(tempfile.mkdtemp(prefix="onebert-postgresql-"))
    # PostgreSQL refuses to run as root.
    become = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if become:
        shutil.chown(folder, "postgres")
    cluster, port = str(folder / "cluster"), free_port()

    def call(*command: str) -> None:
        subprocess.run([*become, *command], check=True, stdout=subprocess.DEVNULL, cwd="/")

    call(str(binaries / "initdb"), "-D", cluster, "-U", "onebert", "-A", "trust")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"

    def control(*arguments: str) -> None:
        call(str(binaries / "pg_ctl"), "-D", cluster, "-o", options, "-l", str(folder / "log"), *arguments)

    server = Server(f"postgresql://onebert@127.0.0.1:{port}/postgres", control)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
