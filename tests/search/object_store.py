"""Runs at a URL for tests: an S3 server in this process, and machines with caches of their own."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from search.storage.runs_url import copy_of
from search.trials import remote_study
from search.trials.folders import TrialFolders

ACCESS = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """Return the URL of a bucket; processes started meanwhile find its server in their environment."""
    import fsspec
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**ACCESS, "AWS_ENDPOINT_URL": f"http://{host}:{port}"}.items():
            patch.setenv(name, value)
        bucket = secrets.token_hex(4)  # its contents live as long as this process
        fsspec.filesystem("s3", skip_instance_cache=True).mkdir(bucket)
        yield f"s3://{bucket}"
    server.stop()


@pytest.fixture(params=["file", "s3"])
def runs_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty runs folder."""
    root = f"file://{tmp_path}/store" if request.param == "file" else request.getfixturevalue("s3")
    return f"{root}/{secrets.token_hex(4)}"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what makes this process one of another machine, with a cache folder of its own."""

    def become(name: str) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / name))
        monkeypatch.setattr(remote_study, "_studies", {})

    become("first")
    return become


@pytest.fixture
def two_trials(machine: Callable[[str], None], tmp_path: Path) -> str:
    """Return the URL of a runs folder in which a study has two trials and a report, also on this machine."""
    assert machine is not None
    url = f"file://{tmp_path}/store"
    folders = TrialFolders(remote_study.study_folder(copy_of(url), "stub"))
    for number in (0, 1):
        folders.path(number).mkdir(parents=True)
        (folders.path(number) / "metrics.jsonl").write_text("old")
        folders.url_for_runs(number, is_new=True)
    (folders.root / "report").mkdir()
    (folders.root / "report" / "report.md").write_text("old")
    remote_study.push_studies()
    return url
