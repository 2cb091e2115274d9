"""A study whose names and texts look like markup, emoji, HTML, formulas and several paths."""

from __future__ import annotations

import random
from pathlib import Path

from tests.search.study_texts import TINY_BASE

__all__ = ["ODD_DESCRIPTION", "ODD_RUNS", "write_odd_study"]

ODD_DESCRIPTION = "old [/] new [/path:598] [bold]x :smile: <script>alert(1)</script>"
ODD_RUNS = "a[old]b c"
CLASSES = ("[/neg]", "=pos|:smile:<b>")
STUDY = """
description = "{description}"
trials = 3
sampler = "random"
[tasks.mood]
kind = "classify"
files = {{ train = "mood-train.csv", dev = "mood-dev.csv", test = "mood-test.csv" }}
columns = {{ id = "id", sentences = ["text"], label = "mood" }}
classes = ["{classes[0]}", "{classes[1]}"]
metric = "accuracy"
[base.data]
directory = "{data}"
{base}
[space]
"optim.learning_rate" = {{ low = 1e-4, high = 1e-2, log = true }}
"""


def write_odd_study(folder: Path) -> Path:
    """Write the study file ``odd.toml`` and its data; returns the file."""
    data = folder / "[data]"
    data.mkdir()
    rng = random.Random(0)
    for split, rows in (("train", 40), ("dev", 30), ("test", 10)):
        lines = ["id,text,mood"]
        for number in range(rows):
            words = " ".join(rng.choice(("[/good]", "=bad", "film", ":smile:")) for _ in range(5))
            lines.append(f"{split}[{number}],{words},{CLASSES[number % 2]}")
        (data / f"mood-{split}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    file = folder / "odd.toml"
    file.write_text(
        STUDY.format(description=ODD_DESCRIPTION, classes=CLASSES, data=data, base=TINY_BASE), encoding="utf-8"
    )
    return file
