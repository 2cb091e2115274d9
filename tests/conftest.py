"""Fixtures that several folders of tests share."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import torch

import data.metrics
from data.metrics import registry
from tests.data.metrics.new_metric import SOURCE, NewMetric
from tests.stub_endpoint import Reply, StubEndpoint

ROOT = Path(__file__).resolve().parents[1]

# A slow or busy machine is no fault of the code.
hypothesis.settings.register_profile("any-machine", deadline=None)
hypothesis.settings.load_profile("any-machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a browser as slow."""
    for item in items:
        if isinstance(item, pytest.Function) and "browser" in item.fixturenames:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Use one thread: float sums depend on the thread count, and the tests share the machine."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def course_data() -> Path:
    """Return the folder of the real course data: $MULTITASK_DATA, or shared/data next to the checkout; else skip."""
    folder = Path(os.environ.get("MULTITASK_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "ids-sst-train.csv").is_file():
        pytest.skip("the course data is not here; set MULTITASK_DATA to its folder")
    return folder


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[StubEndpoint]:
    """Return a chat endpoint that answers "nice SENTENCE" until a test sets its ``behave`` or ``replies``."""
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
    """Return the class of replies: ``reply.saying(text)``, ``reply.failing(status)``, ``reply(content)``."""
    return Reply


@pytest.fixture
def new_metric(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[NewMetric]:
    """Add a file to ``data.metrics`` for one test, as a user would; nothing else knows of it."""
    folder, names = tmp_path_factory.mktemp("metrics"), []
    monkeypatch.setattr(data.metrics, "__path__", [*data.metrics.__path__, str(folder)])

    def write(name: str, aliases: tuple[str, ...] = ()) -> None:
        source = SOURCE.format(name=name, label=name.replace("_", " "), aliases=aliases)
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
        names.append(f"data.metrics.{name}")
        registry._spellings.cache_clear()

    yield write
    registry._spellings.cache_clear()
    for name in names:
        sys.modules.pop(name, None)
