"""Write a task for transformers, as a model for sequence classification; sentence-transformers reads it for pairs.

BertForSequenceClassification computes W_2 tanh(W_1 h + b_1) + b_2 from the hidden state h of the first token, with
BERT's pooler as W_1 and b_1, so it holds a linear head on the pooler. A linear head on h itself is held with
W_1 = e I and W_2 / e: for a small e, tanh(e h) is e h up to the rounding of float32. A head of two layers on h, with
GELU between, is that of ElectraForSequenceClassification, whose encoder is a BERT without pooler.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor

from core.model.lora import merged_state_dict
from core.model.pooling import FIRST_TOKEN_POOLINGS
from core.model_files.encoder_content import CONFIG, WEIGHTS
from core.model_files.formats.task_model import TaskModel, json_file, linear_layers, write_weights
from core.run.checksums import Checksums
from data.tasks import TaskSpec

__all__ = ["why_not", "write"]

# A power of two, so that W_2 / e is exact. tanh(e h) / e differs from h by e^2 h^3 / 3: less than one part in a
# million for |h| = 28. A smaller e would leave float16 too few digits.
_EPSILON: Final = 2.0**-14


def why_not(model: TaskModel) -> str | None:
    """Say why a model for sequence classification cannot hold the task; None if it can."""
    if reason := model.why_in_no_library():
        return reason
    head = model.config
    if head.pair == "siamese":
        return "its sentences are encoded one by one, and a classifier reads a pair as one row"
    if head.pooling not in FIRST_TOKEN_POOLINGS:
        return f"its head reads the {head.pooling} of all tokens, and BERT's classifier the first one (pooling = 'cls')"
    if head.layers == 1:
        return None
    if head.pooling == "pooler" or head.layers > 2:
        return f"its head has {head.layers} layers after '{head.pooling}', more than BERT's or ELECTRA's classifier"
    if linear_layers(model.head.layers)[0].out_features > model.encoder.config.hidden_size:
        return "the hidden layer of its head is wider than the encoder, and that of ELECTRA's classifier is not"
    return None


def write(place: Path, model: TaskModel) -> None:
    """Write the model, the tokenizer and a README into a folder.

    Args:
        place: the folder; created if missing.
        model: a task that :func:`why_not` finds no reason against.
    """
    checksums, answer = Checksums(place), _answer(model)
    is_electra = model.config.layers == 2
    weights = _electra_weights(model) if is_electra else _bert_weights(model)
    write_weights(checksums, place / WEIGHTS, weights)
    files = {**model.tokenizer_files(), "README.md": _readme(model, answer).encode()}
    checksums.write({place / name: content for name, content in files.items()})
    # Last, because it makes the folder loadable.
    checksums.write({place / CONFIG: json_file(_config(model, answer, is_electra))})


class _Answer(NamedTuple):
    """What the outputs of a classifier mean.

    Attributes:
        labels: name of each output.
        problem_type: in ``config.json``; None lets transformers compute a sigmoid of the only output.
        activation: class in torch.nn that turns outputs into what is predicted.
        meaning: in words.
    """

    labels: tuple[str, ...]
    problem_type: str | None
    activation: str
    meaning: str


def _answer(model: TaskModel) -> _Answer:
    spec, head = model.spec, model.config
    if spec.score_range is None:
        meaning = "Each label is a class, and its score is the probability of the class."
        if model.temperature != 1.0:
            meaning += (
                f" Probabilities are calibrated on dev: the last layer is divided by a temperature of "
                f"{model.temperature:.4g}."
            )
        return _Answer(spec.classes, "single_label_classification", "Softmax", meaning)
    low, high = spec.score_range
    if head.score_output == "classes":
        count = head.class_count(spec)
        steps = (f"{low + (high - low) * number / (count - 1):.12g}" for number in range(count))
        how = "the sum of the labels times their probabilities" if head.score_from == "expected" else "the first label"
        meaning = f"Each label is a score, and what is given for it is its probability. The predicted score is {how}."
        return _Answer(tuple(steps), "single_label_classification", "Softmax", meaning)
    if head.score_output == "linear":
        meaning = f"The answer is the score. It is not cut off at {low:g} and {high:g}, as `onebert predict` does."
        return _Answer((spec.name,), "regression", "Identity", meaning)
    if (low, high) == (0, 1):
        return _Answer((spec.name,), None, "Sigmoid", "The answer is the score.")
    meaning = f"The answer p is the place of the score in its range: the score is {low:g} + {high - low:g} * p."
    return _Answer((f"{spec.name} (0 means {low:g}, 1 means {high:g})",), None, "Sigmoid", meaning)


def _config(model: TaskModel, answer: _Answer, is_electra: bool) -> dict[str, Any]:
    entries = model.encoder_config()
    if is_electra:
        entries |= {"model_type": "electra", "embedding_size": entries["hidden_size"]}
    return {
        **entries,
        "architectures": [f"{'Electra' if is_electra else 'Bert'}ForSequenceClassification"],
        "classifier_dropout": model.config.dropout,
        "id2label": {str(number): label for number, label in enumerate(answer.labels)},
        "label2id": {label: number for number, label in enumerate(answer.labels)},
        "problem_type": answer.problem_type,
        "dtype": str(model.encoder.pooler.dense.weight.dtype).removeprefix("torch."),
        "sentence_transformers": {"activation_fn": f"torch.nn.{answer.activation}"},
    }


def _bert_weights(model: TaskModel) -> dict[str, Tensor]:
    weights = {f"bert.{name}": tensor for name, tensor in merged_state_dict(model.encoder).items()}
    weight, bias = _outputs(model)
    if model.config.pooling == "cls":
        width = weight.shape[1]
        weights["bert.pooler.dense.weight"] = _EPSILON * torch.eye(width, dtype=weight.dtype)
        weights["bert.pooler.dense.bias"] = torch.zeros(width, dtype=weight.dtype)
        weight = weight / _EPSILON
    return {**weights, "classifier.weight": weight, "classifier.bias": bias}


def _electra_weights(model: TaskModel) -> dict[str, Tensor]:
    encoder = merged_state_dict(model.encoder)
    weights = {f"electra.{name}": tensor for name, tensor in encoder.items() if not name.startswith("pooler.")}
    hidden = linear_layers(model.head.layers)[0]
    weight, bias = _outputs(model)
    width, used = hidden.in_features, hidden.out_features  # further hidden units are 0, and so is their GELU
    dense = {"weight": torch.zeros(width, width, dtype=weight.dtype), "bias": torch.zeros(width, dtype=weight.dtype)}
    dense["weight"][:used], dense["bias"][:used] = hidden.weight.detach(), hidden.bias.detach()
    projection = torch.zeros(len(weight), width, dtype=weight.dtype)
    projection[:, :used] = weight
    return {
        **weights,
        **{f"classifier.dense.{name}": tensor for name, tensor in dense.items()},
        "classifier.out_proj.weight": projection,
        "classifier.out_proj.bias": bias,
    }


def _outputs(model: TaskModel) -> tuple[Tensor, Tensor]:
    """Return weight (C, H) and bias (C,) of the last layer, with one output for each label.

    Logits are divided by the task's temperature here, so that probabilities are calibrated without any other change.
    """
    last = linear_layers(model.head.layers)[-1]
    weight, bias = (tensor.detach() / model.temperature for tensor in (last.weight, last.bias))
    if model.spec.score_range is None and len(weight) < len(model.spec.classes):
        # Binary cross-entropy has one logit z, and softmax(0, z) are the probabilities of both classes.
        weight, bias = (torch.cat([torch.zeros_like(tensor), tensor]) for tensor in (weight, bias))
    return weight, bias


def _readme(model: TaskModel, answer: _Answer) -> str:
    task, folder = model.task, f"path/to/{model.task}"
    text = '{"text": "the first sentence", "text_pair": "the second sentence"}' if _is_pair(model.spec) else '"a text"'
    lines = [
        f"# {task}",
        "",
        f"Rows are cut at {model.max_length} tokens, as in training. {answer.meaning}",
        "",
        "```python",
        "from transformers import pipeline",
        "",
        f'classify = pipeline("text-classification", "{folder}", truncation=True)',
        f"classify({text}, top_k=None)",
        "```",
        "",
        "Without `truncation=True`, transformers does not cut longer rows, and their answers are other ones.",
    ]
    if _is_pair(model.spec):
        lines += [
            "",
            "```python",
            "from sentence_transformers import CrossEncoder",
            "",
            f'CrossEncoder("{folder}").predict([("the first sentence", "the second sentence")])',
            "```",
        ]
    return "\n".join(lines) + "\n"


def _is_pair(spec: TaskSpec) -> bool:
    return spec.kind.is_pair
