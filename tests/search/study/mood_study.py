"""A study of tasks on days that are sad, neutral or happy, which a tiny model learns within seconds."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np

__all__ = ["WORDS", "base_of", "day"]

WORDS = {
    "sad": ("dark", "rainy", "lonely"),
    "neutral": ("plain", "usual", "common"),
    "happy": ("sunny", "bright", "warm"),
}


def day(rng: np.random.Generator, mood: str) -> str:
    """Return ``a dark and lonely day``."""
    return f"a {rng.choice(WORDS[mood])} and {rng.choice(WORDS[mood])} day"


def base_of(tasks: Iterable[str], siamese: Collection[str] = ()) -> str:
    """Return the [base] of a study file: 4,000 examples on a tiny encoder, mean pooling for every task."""
    pairs = {task: 'pair = "siamese"\n' if task in siamese else "" for task in tasks}
    heads = "".join(f'[base.heads.{task}]\n{pair}pooling = "mean"\n\n' for task, pair in pairs.items())
    return f"""
[base.model]
encoder = "scratch"
scratch = {{ vocab_size = 200, hidden_size = 16, intermediate_size = 32 }}

{heads}[base.optim]
learning_rate = 5e-3

[base.budget]
examples = 4000
batch_size = 20

[base.compute]
device = "cpu"
threads = 1

[base.eval]
rungs = 2
"""
