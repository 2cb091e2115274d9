"""Rules of the encoder's settings, and the layers and scale of LoRA."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from core.config.model import LORA_GROUPS, LORA_LAYERS, LoraConfig, ModelConfig, ScratchConfig


def test_targets_are_layers_in_their_order_each_once() -> None:
    assert LoraConfig().layers == ("attention.self.query", "attention.self.value")
    assert LoraConfig(targets="output, query,attention").layers == (*LORA_GROUPS["attention"], "output.dense")
    assert LoraConfig(targets="all-linear").layers == LORA_LAYERS
    parts = "query,key,value,attention-output,intermediate,output"
    assert LoraConfig(targets=parts).layers == LORA_LAYERS


@pytest.mark.parametrize(
    ("settings", "scale"),
    [
        ({"rank": 4}, 1.0),
        ({"rank": 4, "alpha": 16.0}, 4.0),
        ({"rank": 4, "alpha": 16.0, "rank_stabilised": True}, 8.0),
        ({"rank": 16, "rank_stabilised": True}, 4.0),
    ],
)
def test_the_scale_of_an_update(settings: dict[str, Any], scale: float) -> None:
    assert LoraConfig(**settings).scale == scale


@pytest.mark.parametrize(
    ("section", "settings", "message"),
    [
        (LoraConfig, {"targets": "query,quary"}, "no layers named 'quary'; choose from query, key, value"),
        (LoraConfig, {"alpha": 0.0}, "greater than 0"),
        (
            ScratchConfig,
            {"hidden_size": 10, "attention_heads": 4},
            "a multiple of attention_heads, got 10 and 4",
        ),
        (ModelConfig, {"encoder": "scratch"}, "model.scratch must be given if and only if model.encoder = 'scratch'"),
        (ModelConfig, {"scratch": {}}, "model.scratch must be given if and only if model.encoder = 'scratch'"),
        (ModelConfig, {"freeze": "encoder", "freeze_layers": 1}, "model.freeze_layers must be 0"),
        (ModelConfig, {"freeze": "encoder", "reinit_layers": 1}, "they would stay random"),
        (
            ModelConfig,
            {"own_layers": 1, "encoders": "per-task"},
            "model.own_layers needs model.encoders = 'shared': with 'per-task', every layer is each task's own",
        ),
        (ModelConfig, {"own_layers": 1, "freeze": "encoder"}, "the copies would stay equal"),
        (ModelConfig, {"max_length": 513}, "less than or equal to 512"),
    ],
)
def test_settings_that_are_refused(section: type[Any], settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        section(**settings)
    assert message in str(caught.value)


def test_dropout_in_frozen_layers_is_left_out_of_the_json_at_its_default() -> None:
    assert "frozen_dropout" not in ModelConfig(freeze_layers=1, frozen_dropout=True).model_dump(mode="json")
    assert ModelConfig(frozen_dropout=False).model_dump(mode="json")["frozen_dropout"] is False


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({"freeze_layers": 1}, True),
        ({"freeze": "encoder"}, True),
        ({"freeze": "embeddings"}, False),
        ({}, False),
        ({"freeze_layers": 1, "frozen_dropout": True}, False),
    ],
)
def test_when_outputs_of_frozen_layers_are_kept(settings: dict[str, Any], kept: bool) -> None:
    assert ModelConfig.model_validate({"frozen_dropout": False, **settings}).keeps_features == kept
