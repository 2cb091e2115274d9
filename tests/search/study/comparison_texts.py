"""Study files that compare configurations, and searches that begin with some."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from core.config import RunConfig
from data.errors import UserError
from search.space.random_draws import RandomDraws
from search.study.file import load_study
from search.study.spec import StudySpec

PRESETS = (
    "baseline",
    "baseline-trained",
    "single-task",
    "cooking",
    "build-extend",
    "build-extend-shared",
    "siamese",
    "contrastive",
    "multi-extended",
)


COMPARISON = """\
tasks = ["sst", "para", "sts"]
seeds = [3, 4]

[base.optim]
learning_rate = 3e-5

[override]
budget = { examples = 20000, epochs = 4 }

[variants.plain]

[variants.cooked]
preset = "cooking"

[variants.own]
preset = "mine"
heads.sst.layers = 2
"""


MINE = """\
description = "mine"
meant_for = ["sst"]

[heads.sst]
layers = 3
hidden_size = 7

[budget]
epochs = 9
"""


def load(folder: Path, text: str, **options: object) -> StudySpec:
    presets = folder / "studies" / "presets"
    presets.mkdir(parents=True, exist_ok=True)
    (presets / "mine.toml").write_text(MINE)
    path = folder / "study.toml"
    path.write_text(text)
    return load_study(path, studies_dir=folder / "studies", answers_dir=folder / "answers", **options)  # type: ignore[arg-type]


def message(folder: Path, text: str) -> str:
    with pytest.raises(UserError) as caught:
        load(folder, text)
    return str(caught.value).replace(f"{folder}{os.sep}", "")


def run_of(spec: StudySpec, params: dict[str, object]) -> RunConfig:
    draws = RandomDraws(np.random.default_rng(0), params)
    config = spec.space.suggest(draws, spec.base)
    assert draws.params == params, "nothing but the given parameters is asked for"
    return config


ONE_TASK = 'tasks = ["sst"]\n'


RATES = '[space]\n"optim.learning_rate" = [1e-5, 1e-4]\n'


SEARCH = """\
tasks = ["sst", "para", "sts"]

[first.mine]
preset = "mine"

[first.deep]
heads.sst.layers = 4

[base.budget]
epochs = 9

[space]
"heads.sst.layers" = { low = 1, high = 3 }
"heads.sst.hidden_size" = { choices = ["none", 7], when = { "heads.sst.layers" = { above = 1 } } }
"augmentation.para.extra.fraction" = { low = 0.0, high = 1.0, step = 0.5, needs = "more.csv" }
"""
