"""A tiny file of NLI pairs next to the tiny corpus, and stages on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch

from core.config import RunConfig
from core.config.pretraining import PretrainingConfig
from core.inputs.resources import Resources
from core.model.multitask import build_encoder
from core.pretraining.registry import make_stages
from core.pretraining.stage import Stage
from core.pretraining.stage_data import StageData
from core.pretraining.stage_run import StageRun

MakeConfig = Callable[..., RunConfig]
Pairs = list[tuple[str, str, str]]


@pytest.fixture(scope="session")
def nli_pairs(corpus: Path) -> Pairs:
    """Write nli.tsv to the corpus: 125 premises with a hypothesis of each label."""
    rows = []
    for who, verb, what in product(
        ("child", "robber", "guy", "student", "doctor"),
        ("clean", "buy", "wash", "find", "build"),
        ("home", "phone", "bike", "car", "bag"),
    ):
        premise = f"the {who} will {verb} the {what}"
        rows.append((premise, f"it is true , that {who} will {verb} that {what}", "ENTAILMENT"))
        rows.append((premise, f"the {who} will {verb} the {what} at the farm", "NEUTRAL"))
        rows.append((premise, f"who says the {who} will {verb} the {what} ?", "CONTRADICTION"))
    lines = ["sentence_A\tsentence_B\tentailment_label", *("\t".join(row) for row in rows)]
    (corpus / "nli.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return rows


@pytest.fixture
def make_run(small_config: MakeConfig, resources: Resources, nli_pairs: Pairs) -> Callable[..., tuple[Stage, StageRun]]:
    """Return a stage and its training from the run's own encoder; keywords are fields of its section.

    ``tasks_used`` is the section's ``tasks``; ``data`` come in place of its own.
    """

    def make(
        name: str, tasks_used: str | None = None, data: StageData | None = None, **section: Any
    ) -> tuple[Stage, StageRun]:
        assert nli_pairs
        config = small_config()
        if tasks_used is not None:
            section["tasks"] = tasks_used
        sections = PretrainingConfig.model_validate(
            {"nli_file": {"path": "nli.tsv"}, name: {"examples": 64, "learning_rate": 3e-3, **section}}
        )
        (stage,) = make_stages(config, sections, resources)
        if data is not None:
            stage = replace(stage, make_data=lambda: data)
        encoder = resources.encoder(config)
        bert = build_encoder(config, encoder.config, encoder.read_weights())
        return stage, StageRun(stage, bert, config.seed, config.compute, torch.device("cpu"))

    return make
