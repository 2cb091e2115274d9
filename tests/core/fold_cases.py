"""A small task in folds, and the run over it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from core.config import RunConfig

ROWS, FOLDS = 61, 3
WORDS = [f"w{number}" for number in range(400)]


def write_rows(folder: Path, rows: int = ROWS, seed: int = 0, *, teaches: bool = True) -> None:
    """Write rows of words of their own; where the label can be learnt, a word of it is among them."""
    rng = np.random.default_rng(seed)
    lines = ["id,text,label,score"]
    for number in range(rows):
        label = int(rng.integers(2))
        words = [*rng.choice(WORDS, 6, replace=False), *(["yes" if label else "no"] * 2 if teaches else [])]
        lines.append(f"r{number},{' '.join(words)},{'ab'[label]},{label + rng.random():.3f}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rows.csv").write_text("\n".join(lines) + "\n")


def folds_config(data: Path, folds: int = FOLDS, *, score: bool = False, **sections: Any) -> RunConfig:
    """Return a run over folds that takes about a second."""
    common = {"files": {"train": "rows.csv"}, "split": {"folds": folds}}
    kinds: dict[str, dict[str, Any]] = {
        "mood": {"kind": "classify", "classes": ["a", "b"], "metric": "accuracy"},
        "warmth": {"kind": "score", "score_range": [0, 2], "metric": "pearson"},
    }
    labels = {"mood": "label", "warmth": "score"}
    names = ["mood", "warmth"] if score else ["mood"]
    values: dict[str, Any] = {
        "model": {"encoder": "scratch", "scratch": {"vocab_size": 500, "hidden_size": 16, "intermediate_size": 32}},
        "data": {"directory": str(data)},
        "tasks": {
            name: {
                "spec": {
                    **common,
                    "name": name,
                    **kinds[name],
                    "columns": {"sentences": ["text"], "label": labels[name]},
                }
            }
            for name in names
        },
        "optim": {"learning_rate": 3e-3},
        "budget": {"examples": 160, "batch_size": 20},
        "eval": {"rungs": 2},
        "compute": {"device": "cpu"},
    }
    for name, section in sections.items():
        values[name] = {**values.get(name, {}), **section} if isinstance(section, dict) else section
    return RunConfig.model_validate(values)
