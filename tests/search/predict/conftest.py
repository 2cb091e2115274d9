"""Exported models that are made within a second: random weights, a tokenizer of a few words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer

from core.config import RunConfig
from core.model.bert import Bert, BertConfig
from core.model.multitask import build_plain_model, plain_encoder_names
from core.model_files.ensemble_folder import save_ensemble_folder
from core.model_files.model_folder import TrainedModel, save_model_folder
from data.task_files import builtin_tasks
from data.tasks import TaskSpec
from data.vocabulary import build_wordpiece

MakeModel = Callable[..., TrainedModel]

WORDS = "the film plot is was not great thin slow and a very long but fine"
TONE = TaskSpec.model_validate(
    {
        "name": "tone",
        "kind": "classify",
        "files": {"train": "tone.csv", "dev": "tone-dev.csv"},
        "columns": {"sentences": ["body"], "label": "tone"},
        "classes": ["good, really", 'so "so"', "bad\nworse"],
        "metric": "accuracy",
    }
)
SPECS = {**builtin_tasks(), "tone": TONE}


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return build_wordpiece([WORDS] * 3, 80)


@pytest.fixture(scope="session")
def make_model(tokenizer: Tokenizer) -> MakeModel:
    """Make a model of random weights, large enough that predictions differ; sections override its own."""

    def make(*tasks: str, seed: int = 0, **sections: Any) -> TrainedModel:
        names = tasks or ("sst", "tone", "para", "sts")
        values: dict[str, Any] = {
            "model": {"encoder": "scratch", "scratch": {"vocab_size": 80}, "max_length": 40},
            "tasks": {name: {"spec": SPECS[name]} for name in names},
            "compute": {"device": "cpu"},
            "seed": seed,
        }
        for name, section in sections.items():
            values[name] = {**values.get(name, {}), **section}
        config = RunConfig.model_validate(values)
        shape = BertConfig(
            vocab_size=tokenizer.get_vocab_size(),
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=40,
            initializer_range=1.0,
        )
        generator = torch.Generator().manual_seed(seed)
        encoders = {name: Bert(shape, None, generator) for name in plain_encoder_names(config)}
        model = build_plain_model(config, encoders)
        for parameter in model.heads.parameters():
            torch.nn.init.normal_(parameter, std=0.5 if parameter.ndim == 2 else 0.0, generator=generator)
        return TrainedModel(model.eval(), config, tokenizer)

    return make


@pytest.fixture
def saved(tmp_path: Path, make_model: MakeModel) -> Path:
    """Return the folder of a model of sst, tone, para and sts."""
    save_model_folder(tmp_path / "model", make_model(), {})
    return tmp_path / "model"


@pytest.fixture
def ensemble(tmp_path: Path, make_model: MakeModel) -> Path:
    """Return the folder of two models: both predict sst, and only the second tone."""
    members = {name: make_model("sst", "tone", seed=seed) for seed, name in enumerate(("a", "b"))}
    shares = {"sst": {"b": 0.75, "a": 0.25}, "tone": {"b": 1.0}}
    save_ensemble_folder(tmp_path / "ensemble", ((name, one, {}) for name, one in members.items()), shares, {})
    return tmp_path / "ensemble"
