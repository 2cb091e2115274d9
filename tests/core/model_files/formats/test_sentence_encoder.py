"""Sentence-transformers loads the folder of a siamese task, and its similarities give our predictions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sentence_transformers import CrossEncoder, SentenceTransformer

from core.model_files.formats import sentence_encoder
from core.model_files.formats.task_model import TaskModel
from core.model_files.model_folder import TrainedModel

MakeModel = Callable[..., TrainedModel]
Predict = Callable[[TrainedModel, str, Sequence[tuple[str, ...]]], np.ndarray]

LONG = "a very long film " * 12
FIRST = ("the film is great", "a dull plot , but not slow", "", "Thin and SLOW", LONG, LONG)
SECOND = ("the plot", "great film", "fine", "slow and thin", LONG, "a fine film")
PAIRS = tuple(zip(FIRST, SECOND, strict=True))
COSINE = {"pair": "siamese", "combine": "cos"}


def cosines(folder: Path) -> np.ndarray:
    model = SentenceTransformer(str(folder), device="cpu")
    assert model.similarity_fn_name == "cosine"
    return model.similarity(model.encode(FIRST), model.encode(SECOND)).numpy().diagonal()


def written(tmp_path: Path, trained: TrainedModel, task: str) -> Path:
    model = TaskModel(trained, task)
    assert sentence_encoder.why_not(model) is None
    sentence_encoder.write(tmp_path / task, model)
    return tmp_path / task


@pytest.mark.parametrize("pooling", ["cls", "pooler", "mean", "max"])
@pytest.mark.parametrize("sides", [{}, {"side_layers": 1}, {"side_layers": 3, "hidden_size": 10}])
def test_scores(make_model: MakeModel, predicted: Predict, tmp_path: Path, pooling: str, sides: dict[str, Any]) -> None:
    trained = make_model("sts", heads={"sts": {**COSINE, "pooling": pooling, **sides}}, model={"max_length": 24})
    ours = predicted(trained, "sts", PAIRS)
    folder = written(tmp_path, trained, "sts")
    similarities = cosines(folder)
    assert np.allclose(0 + 5 * (1 + similarities) / 2, ours, atol=1e-5)
    assert np.ptp(similarities) > 1e-3
    assert "The score is 0 + 5 * (1 + similarity) / 2." in (folder / "README.md").read_text()


@pytest.mark.parametrize(
    ("output", "text"), [("relu-cos", "0 + 5 * max(0, similarity)"), ("raw-cos", "(1 + similarity) / 2")]
)
def test_other_readings_of_the_cosine(
    make_model: MakeModel, predicted: Predict, tmp_path: Path, output: str, text: str
) -> None:
    trained = make_model("sts", heads={"sts": {**COSINE, "output": output, "side_layers": 2}})
    folder = written(tmp_path, trained, "sts")
    similarities = cosines(folder)
    scores = 5 * (similarities.clip(0) if output == "relu-cos" else (1 + similarities) / 2)
    assert np.allclose(scores, predicted(trained, "sts", PAIRS), atol=1e-5)
    assert text in (folder / "README.md").read_text()


def test_classes(make_model: MakeModel, predicted: Predict, tmp_path: Path) -> None:
    head = {**COSINE, "pooling": "mean", "side_layers": 2, "cosine_threshold": 0.25}
    trained = make_model("para", heads={"para": head})
    folder = written(tmp_path, trained, "para")
    ours = predicted(trained, "para", PAIRS)
    assert np.array_equal(cosines(folder) > 0.25, ours.argmax(axis=1) == 1)
    assert "Above a similarity of 0.25, the class is" in (folder / "README.md").read_text()


def test_a_cross_encoder(make_model: MakeModel, predicted: Predict, tmp_path: Path) -> None:
    trained = make_model("sts")
    encoder = CrossEncoder(str(written(tmp_path, trained, "sts")), device="cpu")
    assert np.allclose(5 * encoder.predict(list(PAIRS)), predicted(trained, "sts", PAIRS), atol=1e-5)


@pytest.mark.parametrize(
    ("task", "head", "reason"),
    [
        ("sst", {}, "its models are for pairs, and the task has single sentences"),
        ("sts", {"pair": "siamese"}, "its head is a layer on features of both sentences (combine = 'uv-absdiff')"),
        ("sts", {"pooling": "mean"}, "its head reads the mean of all tokens"),
    ],
)
def test_why_not(make_model: MakeModel, task: str, head: dict[str, Any], reason: str) -> None:
    said = sentence_encoder.why_not(TaskModel(make_model(task, heads={task: head}), task))
    assert said is not None
    assert said.startswith(reason)
