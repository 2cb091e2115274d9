"""Fixtures that several folders of tests share."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.stub_endpoint import Reply, StubEndpoint

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Float sums depend on the thread count, and the tests share the machine."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def course_data() -> Path:
    """Folder with the real course data: $MULTITASK_DATA, or shared/data beside the checkout; skips where neither is."""
    folder = Path(os.environ.get("MULTITASK_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "ids-sst-train.csv").is_file():
        pytest.skip("the course data is not here; set MULTITASK_DATA to its folder")
    return folder


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[StubEndpoint]:
    """A chat endpoint that answers "nice SENTENCE" until a test sets its ``behave`` or ``replies``."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    endpoint = StubEndpoint()
    thread = threading.Thread(target=endpoint.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield endpoint
    endpoint.server.shutdown()
    endpoint.server.server_close()
    thread.join()


@pytest.fixture
def reply() -> type[Reply]:
    """The class of replies: ``reply.saying(text)``, ``reply.failing(status)``, ``reply(content)``."""
    return Reply
