"""Encoders are loaded once and belong to their tokenizer; devices are those of this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core.config import RunConfig
from core.inputs.resources import Resources, pick_device
from data.errors import UserError
from tests.core.small_encoders import encoder_folder, loaded

MakeConfig = Callable[..., RunConfig]


def test_a_fitting_encoder_is_loaded_once(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    config = loaded(small_config(), encoder_folder(tmp_path / "e"))
    assert resources.encoder(config) is resources.encoder(config)


def test_a_tokenizer_of_another_model(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    config = loaded(small_config(), encoder_folder(tmp_path / "e", vocab_size=20))
    with pytest.raises(UserError, match=r"the tokenizer has \d+ tokens, but the encoder's vocab_size is 20"):
        resources.encoder(config)


def test_devices() -> None:
    assert pick_device("cpu").type == "cpu"
    assert pick_device("auto").type in ("cpu", "cuda", "mps")
    missing = {"cuda", "mps"} - {pick_device("auto").type}
    for name in missing:
        with pytest.raises(UserError, match=f"device '{name}' is not available on this machine"):
            pick_device(name)
