"""Encoders that do not fit the run are refused where they are loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from core.config import RunConfig
from core.inputs.resources import Resources
from data.errors import UserError
from tests.core.small_encoders import encoder_folder, loaded

MakeConfig = Callable[..., RunConfig]


def test_rows_longer_than_its_positions(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    config = loaded(small_config(), encoder_folder(tmp_path / "e"), max_length=65)
    with pytest.raises(UserError, match=r"model.max_length = 65, but encoder .* supports at most 64 tokens"):
        resources.encoder(config)


def test_pairs_need_a_second_segment(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    folder = encoder_folder(tmp_path / "e", segments=1)
    resources.encoder(loaded(small_config(), folder))  # siamese pairs do not
    crossed = loaded(small_config(heads={"para": {}}), folder)
    with pytest.raises(UserError, match=r"needs two segments, but encoder .* set heads.para.pair = 'siamese'"):
        resources.encoder(crossed)


def test_a_frozen_encoder_without_a_pooler(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    """The head of such a task would read a random pooler that is never trained."""
    folder = encoder_folder(tmp_path / "e")
    weights = load_file(folder / "model.safetensors")
    save_file({name: w for name, w in weights.items() if not name.startswith("pooler.")}, folder / "model.safetensors")
    config = loaded(small_config(("sst",), heads={"sst": {"pooling": "pooler"}}), folder)
    assert resources.encoder(config).read_weights() is not None  # trained with the rest
    frozen = config.model_copy(update={"model": config.model.model_copy(update={"freeze": "encoder"})})
    with pytest.raises(UserError, match=r"heads.sst.pooling = 'pooler', but encoder .* the pooler would stay random"):
        resources.encoder(frozen)
    cls = frozen.model_copy(update={"heads": {"sst": frozen.heads["sst"].model_copy(update={"pooling": "cls"})}})
    assert resources.encoder(cls) is resources.encoder(config)


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"freeze_layers": 3}, r"model.freeze_layers = 3, but encoder .* has 2 layers"),
        ({"reinit_layers": 3}, r"model.reinit_layers = 3, but encoder .* has 2 layers"),
        (
            {"reinit_layers": 1, "freeze_layers": 2},
            r"freeze_layers = 2 and model.reinit_layers = 1 overlap in the 2 layers",
        ),
        ({"reinit_layers": 1, "freeze_layers": 1}, None),
    ],
)
def test_more_layers_than_there_are(
    small_config: MakeConfig, resources: Resources, tmp_path: Path, settings: dict[str, int], fault: str | None
) -> None:
    config = loaded(small_config(), encoder_folder(tmp_path / "e", layers=2))
    config = config.model_copy(update={"model": config.model.model_copy(update=settings)})
    if fault is None:
        resources.encoder(config)
    else:
        with pytest.raises(UserError, match=fault):
            resources.encoder(config)
