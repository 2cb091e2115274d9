"""Write a task for sentence-transformers: a siamese encoder with its similarity, or a cross-encoder.

Siamese sentence vectors are held as they were trained: the encoder, its pooling, and side layers as ``Dense`` modules.
BERT's pooler is such a module too. The head must be the cosine of two of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from torch import nn

from core.model.lora import merged_state_dict
from core.model_files.encoder_content import CONFIG, WEIGHTS
from core.model_files.formats import sequence_classifier
from core.model_files.formats.task_model import TaskModel, json_file, linear_layers, write_weights
from core.run.checksums import Checksums

__all__ = ["why_not", "write"]

_MODULES: Final = "modules.json"
_POOLINGS: Final = {"cls": "cls_token", "pooler": "cls_token", "mean": "mean_tokens", "max": "max_tokens"}
_TANH, _GELU = "torch.nn.modules.activation.Tanh", "torch.nn.modules.activation.GELU"
_IDENTITY = "torch.nn.modules.linear.Identity"


def why_not(model: TaskModel) -> str | None:
    """Say why neither a sentence encoder nor a cross-encoder can hold the task; None if one can."""
    if reason := model.why_in_no_library():
        return reason
    if not model.spec.kind.is_pair:
        return "its models are for pairs, and the task has single sentences"
    if model.config.pair == "cross":
        return sequence_classifier.why_not(model)
    if model.config.combine != "cos":
        features = model.config.combine or "uv-absdiff"
        return f"its head is a layer on features of both sentences (combine = '{features}'), not a similarity"
    return None


def write(place: Path, model: TaskModel) -> None:
    """Write the model, the tokenizer and a README into a folder.

    Args:
        place: the folder; created if missing.
        model: a task that :func:`why_not` finds no reason against.
    """
    if model.config.pair == "cross":
        sequence_classifier.write(place, model)
        return
    checksums = Checksums(place)
    write_weights(checksums, place / WEIGHTS, merged_state_dict(model.encoder))
    modules = [_module(0, "", "Transformer"), _module(1, "1_Pooling", "Pooling")]
    files = {
        **model.tokenizer_files(),
        "README.md": _readme(model).encode(),
        CONFIG: json_file(model.encoder_config()),
        "sentence_bert_config.json": json_file({"max_seq_length": model.max_length, "do_lower_case": False}),
        "config_sentence_transformers.json": json_file({"similarity_fn_name": "cosine"}),
        f"1_Pooling/{CONFIG}": json_file(_pooling(model)),
    }
    for number, (layer, activation) in enumerate(_dense_layers(model), start=2):
        path = f"{number}_Dense"
        modules.append(_module(number, path, "Dense"))
        widths = {"in_features": layer.in_features, "out_features": layer.out_features, "bias": True}
        files[f"{path}/{CONFIG}"] = json_file({**widths, "activation_function": activation})
        weights = {"linear.weight": layer.weight.detach(), "linear.bias": layer.bias.detach()}
        write_weights(checksums, place / path / WEIGHTS, weights)
    checksums.write({place / name: content for name, content in files.items()})
    # Last, because it makes the folder loadable.
    checksums.write({place / _MODULES: json_file(modules)})


def _module(number: int, path: str, name: str) -> dict[str, Any]:
    return {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{name}"}


def _pooling(model: TaskModel) -> dict[str, Any]:
    used = _POOLINGS[model.config.pooling]
    modes = {f"pooling_mode_{name}": name == used for name in sorted(set(_POOLINGS.values()))}
    return {"word_embedding_dimension": model.encoder.config.hidden_size, **modes}


def _dense_layers(model: TaskModel) -> list[tuple[nn.Linear, str]]:
    """Return what comes after pooling: linear layers, each with the class of its activation."""
    layers = linear_layers(model.head.sides)
    dense = [(layer, _GELU) for layer in layers[:-1]] + [(layer, _IDENTITY) for layer in layers[-1:]]
    if model.config.pooling == "pooler":
        dense.insert(0, (model.encoder.pooler.dense, _TANH))
    return dense


def _readme(model: TaskModel) -> str:
    folder = f"path/to/{model.task}"
    lines = [
        f"# {model.task}",
        "",
        f"Sentences are cut at {model.max_length} tokens, as in training. {_meaning(model)}",
        "",
        "```python",
        "from sentence_transformers import SentenceTransformer",
        "",
        f'model = SentenceTransformer("{folder}")',
        'model.similarity(model.encode(["a sentence"]), model.encode(["another one"]))',
        "```",
    ]
    return "\n".join(lines) + "\n"


def _meaning(model: TaskModel) -> str:
    """Say how the task's prediction follows from the similarity."""
    spec = model.spec
    if spec.score_range is not None:
        low, high = spec.score_range
        if model.config.score_output == "relu-cos":
            return f"The score is {low:g} + {high - low:g} * max(0, similarity)."
        return f"The score is {low:g} + {high - low:g} * (1 + similarity) / 2."
    first, second = spec.classes
    return f"Above a similarity of {model.config.cosine_threshold:g}, the class is '{second}', otherwise '{first}'."
