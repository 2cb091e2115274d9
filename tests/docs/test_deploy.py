"""The service, the container and the batch job of ``docs/deploy.md`` work as they stand there."""

from __future__ import annotations

import http.client
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import search
from core.model_files.model_folder import save_model_folder
from tests.docs.pages import ROOT, text
from tests.search.predict.conftest import SPECS, make_model, tokenizer

__all__ = ["make_model", "tokenizer"]  # fixtures

TEXTS = ["a great film", "thin and slow", "", "the plot was long"]
PAIRS = [["a film", "a great film"], ["slow", "not fine"]]


def block(language: str, number: int = 0) -> str:
    return re.findall(rf"```{language}\n(.*?)```", text("deploy.md"), re.DOTALL)[number]


@dataclass(frozen=True)
class Service:
    url: str
    model: Path

    def ask(self, path: str, question: Any = None, **headers: str) -> tuple[int, Any]:
        content = None if question is None else json.dumps(question).encode()
        request = urllib.request.Request(self.url + path, content, {"content-type": "application/json", **headers})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


def environment(**more: str) -> Mapping[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


@pytest.fixture(scope="module")
def model(make_model: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deploy") / "model"
    save_model_folder(folder, make_model(), {})
    return folder


@pytest.fixture(scope="module")
def service(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Start the container's command, on a free port and in one process."""
    folder = tmp_path_factory.mktemp("service")
    (folder / "service.py").write_text(block("python"))
    words = json.loads(re.search(r"^CMD (.*)$", block("dockerfile"), re.MULTILINE)[1])  # type: ignore[index]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    changed = {"0.0.0.0": "127.0.0.1", "8000": port, "2": "1"}
    command = [sys.executable, "-m", *(changed.get(word, word) for word in words)]
    with (folder / "log").open("w") as log:
        started = subprocess.Popen(
            command, cwd=folder, env=environment(MODEL_DIR=str(model), THREADS="1"), stdout=log, stderr=log
        )
    found = Service(f"http://127.0.0.1:{port}", model)
    try:
        deadline = time.monotonic() + 120
        while True:
            assert started.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline
            try:
                assert found.ask("/tasks")[0] == 200
                break
            except urllib.error.URLError:
                time.sleep(0.1)
        yield found
    finally:
        started.terminate()
        started.wait()


def test_it_gives_the_answers_of_the_model(service: Service) -> None:
    status, answer = service.ask("/predict", {"texts": TEXTS})
    expected = search.load_model(service.model, device="cpu").predict(TEXTS)
    assert (status, set(answer)) == (200, {"sst", "tone"})
    for task, rows in answer.items():
        assert [row["prediction"] for row in rows] == expected[task].values.tolist()
        names = [f"probability_{name}" for name in expected[task].classes]
        np.testing.assert_allclose([[row[name] for name in names] for row in rows], expected[task].probabilities)


def test_pairs_and_scores(service: Service) -> None:
    status, answer = service.ask("/predict", {"texts": PAIRS, "tasks": ["sts"]})
    expected = search.load_model(service.model, device="cpu").predict([tuple(pair) for pair in PAIRS], "sts")
    assert status == 200
    np.testing.assert_allclose([row["prediction"] for row in answer["sts"]], expected.values)
    assert service.ask("/tasks") == (200, {name: [*SPECS[name].classes] for name in ("sst", "tone", "para", "sts")})


def test_requests_at_the_same_time_get_their_own_answers(service: Service) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = [*pool.map(lambda one: service.ask("/predict", {"texts": [one], "tasks": ["tone"]}), TEXTS * 8)]
    expected = search.load_model(service.model, device="cpu").predict(TEXTS, "tone").values.tolist()
    assert [answer["tone"][0]["prediction"] for _, answer in answers] == expected * 8


@pytest.mark.parametrize(
    ("question", "status", "message"),
    [
        ({"texts": TEXTS, "tasks": ["tonne"]}, 422, "no task 'tonne': the model has the tasks .*; did you mean 'tone'"),
        ({"texts": TEXTS, "tasks": ["para"]}, 422, "task 'para' reads a pair"),
        ({"texts": []}, 422, "at least 1 item"),
        ({"texts": ["a"] * 257}, 422, "at most 256 items"),
        ({"texts": ["a" * 10_001]}, 422, "at most 10000 characters"),
        ({"texts": [3]}, 422, "valid string"),
    ],
)
def test_what_is_refused(service: Service, question: Any, status: int, message: str) -> None:
    found, answer = service.ask("/predict", question)
    assert found == status
    assert re.search(message, json.dumps(answer, ensure_ascii=False))


@pytest.mark.parametrize("header", [("content-length", "1000001"), ("transfer-encoding", "chunked")])
def test_a_long_request_is_refused_before_it_is_read(service: Service, header: tuple[str, str]) -> None:
    with closing(http.client.HTTPConnection(service.url.partition("//")[2], timeout=60)) as connection:
        connection.putrequest("POST", "/predict")
        connection.putheader(*header)
        connection.endheaders()
        answer = connection.getresponse()
        assert (answer.status, b"at most 1,000,000 bytes" in answer.read()) == (413, True)


def test_the_container_copies_what_there_is_and_what_the_package_needs() -> None:
    words = [shlex.split(line) for line in block("dockerfile").splitlines() if line.startswith("COPY")]
    copied = {name for line in words for name in line[1:-1]} - {"service.py", "runs/mood/export/model"}
    assert all((ROOT / name).exists() for name in copied)
    # What tests/test_wheel.py builds the package from.
    assert copied == {"core", "data", "search", "studies", "pyproject.toml", "constraints.txt", "README.md", "LICENSE"}


def batch_job(folder: Path, onebert: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the job in a folder, with a shell script in place of the command ``onebert``."""
    (folder / "job.sh").write_text(
        next(one for one in re.findall(r"```sh\n(.*?)```", text("deploy.md"), re.DOTALL) if one.startswith("#!"))
    )
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin" / "onebert").write_text(f"#!/bin/sh\n{onebert}\n")
    (folder / "bin" / "onebert").chmod(0o755)
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    command = ["sh", "job.sh", *arguments]
    return subprocess.run(command, cwd=folder, env=environment(PATH=path), capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_batch_job_predicts_new_files_only(model: Path, tmp_path: Path) -> None:
    def run() -> subprocess.CompletedProcess[str]:
        onebert = f'exec {shlex.quote(sys.executable)} -m search "$@"'
        return batch_job(tmp_path, onebert, str(model), "tone", str(given), str(output))

    given, output = tmp_path / "in", tmp_path / "out"
    given.mkdir()
    assert run().returncode == 0, "an empty folder"
    for name in ("a.csv", "b.csv"):
        pd.DataFrame({"id": range(4), "body": TEXTS}).to_csv(given / name, index=False)
    (output / "b.csv").write_text("done before")
    (given / "c.csv").write_text("id,body\n1,a,b\n")
    (given / "d.csv").write_text("id,body\n1,a great film\n")
    for name in ("e.json", "notes.txt"):
        (given / name).write_text("[]")
    done = run()
    assert done.returncode == 2
    assert "c.csv:2" in done.stderr
    assert sorted(path.name for path in output.iterdir()) == ["a.csv", "b.csv", "d.csv"]
    found = pd.read_csv(output / "a.csv")
    expected = search.load_model(model, device="cpu").predict(TEXTS, "tone").values
    assert found["prediction"].tolist() == expected.tolist()
    assert (output / "b.csv").read_text() == "done before"
    (given / "c.csv").write_text("id,body\n1,thin and slow\n")
    assert run().returncode == 0
    assert (output / "c.csv").exists()


def test_the_batch_job_ends_when_it_is_stopped(tmp_path: Path) -> None:
    given = tmp_path / "in"
    given.mkdir()
    for name in ("a.csv", "b.csv"):
        (given / name).write_text("id,body\n")
    done = batch_job(tmp_path, 'echo "$*" >&2; exit 130', "model", "tone", "in", "out")
    assert (done.returncode, len(done.stderr.splitlines())) == (130, 1)
