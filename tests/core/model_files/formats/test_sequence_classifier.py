"""Transformers and sentence-transformers load the folder of a task and predict what we predict."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file
from scipy.special import softmax
from sentence_transformers import CrossEncoder
from tokenizers import Tokenizer, normalizers, processors

from core.config.model import LoraConfig
from core.model.lora import add_lora
from core.model_files.formats import sequence_classifier
from core.model_files.formats.task_model import TaskModel
from core.model_files.model_folder import TrainedModel

MakeModel = Callable[..., TrainedModel]
Predict = Callable[[TrainedModel, str, Sequence[tuple[str, ...]]], np.ndarray]

LONG = "a very long film " * 12
TEXTS = ("the film is great", "a dull plot , but not slow", "", "Thin and SLOW", LONG)
# The second sentence is not empty: for the tokenizer of transformers, there would be none.
PAIRS = (*zip(TEXTS, ("not very thin", LONG, "fine", "the plot", "the film"), strict=True), (LONG, LONG))

SINGLE = [
    {"pooling": "cls"},
    {"pooling": "pooler"},
    {"layers": 2},
    {"layers": 2, "hidden_size": 5},
]
SCORES: list[dict[str, Any]] = [
    {"output": "sigmoid"},
    {"output": "linear", "loss": "mse"},
    {"output": "classes"},
    {"output": "classes", "score_classes": 11, "score_from": "argmax"},
    {"output": "sigmoid", "pooling": "pooler"},
]


def written(tmp_path: Path, trained: TrainedModel, task: str, temperature: float = 1.0) -> Path:
    model = TaskModel(trained, task, temperature)
    assert sequence_classifier.why_not(model) is None
    sequence_classifier.write(tmp_path / task, model)
    return tmp_path / task


def answers(folder: Path, texts: Sequence[Any]) -> list[dict[str, float]]:
    """Return what transformers' pipeline answers, label -> score."""
    pipe = transformers.pipeline("text-classification", str(folder), truncation=True, device="cpu")
    return [{one["label"]: one["score"] for one in pipe(text, top_k=None)} for text in texts]


def as_inputs(pairs: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"text": first, "text_pair": second} for first, second in pairs]


@pytest.mark.parametrize("head", SINGLE)
@pytest.mark.parametrize("task", ["sst", "tone"])
def test_classes_of_single_sentences(
    make_model: MakeModel, predicted: Predict, tmp_path: Path, task: str, head: dict[str, Any]
) -> None:
    trained = make_model(task, heads={task: head}, model={"max_length": 24})
    ours = predicted(trained, task, [(text,) for text in TEXTS])
    theirs = answers(written(tmp_path, trained, task), TEXTS)
    classes = trained.config.tasks[task].spec.classes
    assert [set(one) for one in theirs] == [set(classes)] * len(TEXTS)
    assert np.allclose([[one[name] for name in classes] for one in theirs], ours, atol=1e-5)
    assert np.ptp(ours, axis=0).max() > 1e-2


@pytest.mark.parametrize("head", [*SINGLE, {"loss": "bce"}, {"loss": "bce", "layers": 2}])
def test_classes_of_pairs(make_model: MakeModel, predicted: Predict, tmp_path: Path, head: dict[str, Any]) -> None:
    """Wrong: no segments, another truncation, or the one logit of binary cross-entropy for the wrong class."""
    trained = make_model("para", heads={"para": head}, model={"max_length": 24})
    ours = predicted(trained, "para", PAIRS)
    folder = written(tmp_path, trained, "para")
    classes = trained.config.tasks["para"].spec.classes
    theirs = [[one[name] for name in classes] for one in answers(folder, as_inputs(PAIRS))]
    assert np.allclose(theirs, ours, atol=1e-5)
    assert np.ptp(ours, axis=0).max() > 1e-2
    encoder = CrossEncoder(str(folder), device="cpu")
    assert encoder.max_seq_length == 24
    assert np.allclose(encoder.predict(list(PAIRS)), ours, atol=1e-5)


@pytest.mark.parametrize(
    ("task", "head"),
    [
        ("tone", {"pooling": "cls"}),
        ("tone", {"pooling": "pooler"}),
        ("tone", {"layers": 2}),
        ("para", {"loss": "bce"}),
        ("para", {"layers": 2}),
    ],
)
@pytest.mark.parametrize("temperature", [0.4, 3.0])
def test_a_temperature_calibrates_the_probabilities(
    make_model: MakeModel, predicted: Predict, tmp_path: Path, task: str, head: dict[str, Any], temperature: float
) -> None:
    """The expected ones are softmax(log p / T) of the probabilities that the model was trained for."""
    trained = make_model(task, heads={task: head}, model={"max_length": 24})
    is_pair = trained.config.tasks[task].spec.kind.is_pair
    logs = np.log(predicted(trained, task, PAIRS if is_pair else [(text,) for text in TEXTS]).astype(np.float64))
    folder = written(tmp_path, trained, task, temperature)
    classes = trained.config.tasks[task].spec.classes
    theirs = [[one[name] for name in classes] for one in answers(folder, as_inputs(PAIRS) if is_pair else TEXTS)]
    assert np.allclose(theirs, softmax(logs / temperature, axis=1), atol=1e-5)
    assert not np.allclose(theirs, np.exp(logs), atol=1e-2)
    assert f"a temperature of {temperature:.4g}" in (folder / "README.md").read_text()


def test_without_a_temperature_the_last_layer_is_unchanged(make_model: MakeModel, tmp_path: Path) -> None:
    trained = make_model("tone", heads={"tone": {"pooling": "pooler"}})
    stored = load_file(written(tmp_path, trained, "tone") / "model.safetensors")
    assert torch.equal(stored["classifier.weight"], trained.model.heads["tone"].layers[-1].weight)
    assert "temperature" not in (tmp_path / "tone" / "README.md").read_text()


@pytest.mark.parametrize("head", SCORES)
def test_scores_of_pairs(make_model: MakeModel, predicted: Predict, tmp_path: Path, head: dict[str, Any]) -> None:
    trained = make_model("sts", heads={"sts": head})
    if head["output"] == "linear":  # random scores are out of the range
        torch.nn.init.normal_(trained.model.heads["sts"].layers[-1].weight, std=0.05)
        torch.nn.init.constant_(trained.model.heads["sts"].layers[-1].bias, 2.0)
    ours = predicted(trained, "sts", PAIRS)
    folder = written(tmp_path, trained, "sts")
    given = answers(folder, as_inputs(PAIRS))
    crossed = CrossEncoder(str(folder), device="cpu").predict(list(PAIRS))
    if head["output"] == "classes":
        labels = np.array(sorted(map(float, given[0])))
        theirs = np.array([[probabilities[f"{label:g}"] for label in labels] for probabilities in given])
        assert np.allclose(crossed, theirs, atol=1e-5)
        scores = labels[theirs.argmax(axis=1)] if head.get("score_from") == "argmax" else theirs @ labels
    else:
        scores = np.array([score for one in given for score in one.values()])
        assert np.allclose(crossed, scores, atol=1e-5)
        scores = (scores if head["output"] == "linear" else 5 * scores).clip(0, 5)
    assert np.allclose(scores, ours, atol=1e-5)
    assert np.ptp(ours) > 1e-2


def test_large_hidden_states_pass_through_the_pooler(make_model: MakeModel, predicted: Predict, tmp_path: Path) -> None:
    """Some checkpoints have single hidden units near 30."""
    trained = make_model("sst", heads={"sst": {"pooling": "cls"}})
    with torch.no_grad():
        trained.model.encoder("sst").layers[-1].output.LayerNorm.weight.mul_(12)
        trained.model.heads["sst"].layers[-1].weight.mul_(0.1)
    ours = predicted(trained, "sst", [(text,) for text in TEXTS])
    theirs = answers(written(tmp_path, trained, "sst"), TEXTS)
    classes = trained.config.tasks["sst"].spec.classes
    assert np.allclose([[one[name] for name in classes] for one in theirs], ours, atol=1e-5)


def test_each_task_has_the_layers_of_its_own(make_model: MakeModel, predicted: Predict, tmp_path: Path) -> None:
    trained = make_model("sst", "tone", model={"own_layers": 1})
    with torch.no_grad():
        trained.model.encoder("tone").layers[-1].intermediate.dense.weight.mul_(-1)
    for task in ("sst", "tone"):
        ours = predicted(trained, task, [(text,) for text in TEXTS])
        classes = trained.config.tasks[task].spec.classes
        theirs = answers(written(tmp_path, trained, task), TEXTS)
        assert np.allclose([[one[name] for name in classes] for one in theirs], ours, atol=1e-5)


def test_a_tokenizer_that_adds_other_special_tokens(make_model: MakeModel, predicted: Predict, tmp_path: Path) -> None:
    """Rows here are put together without the tokenizer's own template. Its class is then not BertTokenizer."""
    trained = make_model("para")
    other = Tokenizer.from_str(trained.tokenizer.to_str())
    other.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    other.post_processor = processors.TemplateProcessing(
        single="[SEP] $A", pair="[SEP] $A $B", special_tokens=[("[SEP]", other.token_to_id("[SEP]"))]
    )
    trained = TrainedModel(trained.model, trained.config, other)
    folder = written(tmp_path, trained, "para")
    classes = trained.config.tasks["para"].spec.classes
    theirs = [[one[name] for name in classes] for one in answers(folder, as_inputs(PAIRS))]
    assert np.allclose(theirs, predicted(trained, "para", PAIRS), atol=1e-5)


@pytest.mark.parametrize(
    ("task", "head", "reason"),
    [
        ("sst", {"pooling": "mean"}, "its head reads the mean of all tokens, and BERT's classifier the first one"),
        ("sst", {"pooling": "max"}, "its head reads the max of all tokens"),
        ("sst", {"layers": 3}, "its head has 3 layers after 'cls', more than BERT's or ELECTRA's classifier"),
        ("sst", {"layers": 2, "pooling": "pooler"}, "its head has 2 layers after 'pooler'"),
        ("sst", {"layers": 2, "hidden_size": 17}, "the hidden layer of its head is wider than the encoder"),
        ("para", {"pair": "siamese"}, "its sentences are encoded one by one"),
        ("para", {"pair_order": "both"}, "its predictions are means over both orders of a pair"),
    ],
)
def test_why_not(make_model: MakeModel, task: str, head: dict[str, Any], reason: str) -> None:
    said = sequence_classifier.why_not(TaskModel(make_model(task, heads={task: head}), task))
    assert said is not None
    assert said.startswith(reason)


def test_the_classes_are_in_the_configuration(make_model: MakeModel, tmp_path: Path) -> None:
    trained = make_model("tone")
    folder = written(tmp_path, trained, "tone")
    config = json.loads((folder / "config.json").read_text())
    names = ["good, really", 'so "so"', "bad\nworse"]
    assert config["id2label"] == {"0": names[0], "1": names[1], "2": names[2]}
    assert config["label2id"] == {name: number for number, name in enumerate(names)}
    assert config["problem_type"] == "single_label_classification"
    assert json.loads((folder / "tokenizer_config.json").read_text())["model_max_length"] == 40


def test_updates_of_lora_are_merged(make_model: MakeModel, predicted: Predict, tmp_path: Path) -> None:
    trained = make_model("sst")
    add_lora(trained.model.encoder("sst"), LoraConfig(rank=2, targets="all-linear"), seed=1)
    for name, parameter in trained.model.named_parameters():
        if name.endswith("lora_b"):
            torch.nn.init.normal_(parameter)
    ours = predicted(trained, "sst", [(text,) for text in TEXTS])
    theirs = answers(written(tmp_path, trained, "sst"), TEXTS)
    classes = trained.config.tasks["sst"].spec.classes
    assert np.allclose([[one[name] for name in classes] for one in theirs], ours, atol=1e-5)
