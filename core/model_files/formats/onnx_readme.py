"""Describe a graph of ONNX for people, with a program that predicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["readme"]

_ROWS: Final = {
    "sentence": "a sentence each",
    "pair": "a pair of sentences each, in one row",
    "both-orders": "pairs in the given order, then the same pairs with the second sentence first",
    "sentences-of-pairs": "the first sentences of all pairs, then the second ones",
}
_EXAMPLES: Final = {
    "sentence": '["a sentence", "another one"]',
    "pair": '[("a sentence", "another one")]',
    "both-orders": '[("a sentence", "another one"), ("another one", "a sentence")]',
    "sentences-of-pairs": '["a sentence", "another one"]',
}


def readme(description: Mapping[str, Any]) -> str:
    """Return the text of a README.

    Args:
        description: the content of ``model.json``.
    """
    tasks = description["tasks"]
    lines = [
        "# All tasks in one graph",
        "",
        f"Rows are cut at {description['max_length']} tokens, as in training; `tokenizer.json` does it, and pads. "
        f"Weights are {description['precision']}. `model.json` has the same description for programs.",
        "",
        "| output | rows | values |",
        "|---|---|---|",
        *(f"| `{name}` | {_ROWS[task['rows']]} | {_values(task)} |" for name, task in tasks.items()),
        "",
        "```python",
        _PROGRAM,
        *(f'predict({_EXAMPLES[task["rows"]]}, "{name}")' for name, task in tasks.items()),
        "```",
    ]
    if description["encoder_passes"] > 1:
        lines += [
            "",
            "Tasks have encoders of their own here. ONNX Runtime computes all of them, whatever outputs are asked for, "
            "unless `run` gets a `RunOptions` whose `only_execute_path_to_fetches` is true.",
        ]
    return "\n".join(lines) + "\n"


_PROGRAM: Final = """\
import numpy as np
from onnxruntime import InferenceSession
from tokenizers import Tokenizer

session = InferenceSession("model.onnx")
tokenizer = Tokenizer.from_file("tokenizer.json")


def predict(rows, task):
    encoded = tokenizer.encode_batch(rows)
    names = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}
    inputs = {name: np.array([getattr(row, field) for row in encoded]) for name, field in names.items()}
    return session.run([task], inputs)[0]

"""


def _values(task: Mapping[str, Any]) -> str:
    if "classes" not in task:
        low, high = task["score_range"]
        return f"scores from {low:g} to {high:g}"
    names = ", ".join(" ".join(str(name).split()).replace("|", "\\|") for name in task["classes"])
    return f"probabilities{', calibrated' if 'temperature' in task else ''}: {names}"
