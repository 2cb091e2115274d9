"""Encoders that do not fit the run are refused where they are loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from core.config import RunConfig
from core.inputs.resources import Resources, pick_device
from core.model.bert import Bert, BertConfig
from core.model_files.bert_checkpoint import save_bert
from data.errors import UserError
from data.tokenizer import save_tokenizer
from data.vocabulary import build_wordpiece

MakeConfig = Callable[..., RunConfig]


def encoder_folder(folder: Path, vocab_size: int = 60, positions: int = 64, segments: int = 2, layers: int = 1) -> Path:
    """A small pretrained encoder with a tokenizer of 60 entries or a few fewer."""
    shape = BertConfig(
        vocab_size=vocab_size,
        hidden_size=8,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=positions,
        type_vocab_size=segments,
    )
    save_bert(folder, shape, Bert(shape).state_dict())
    save_tokenizer(build_wordpiece(["the film is great but the plot is thin"], 60), folder)
    return folder


def loaded(config: RunConfig, folder: Path, max_length: int = 32) -> RunConfig:
    model = config.model.model_copy(update={"encoder": str(folder), "scratch": None, "max_length": max_length})
    return config.model_copy(update={"model": model})


def test_a_fitting_encoder_is_loaded_once(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    config = loaded(small_config(), encoder_folder(tmp_path / "e"))
    assert resources.encoder(config) is resources.encoder(config)


def test_rows_longer_than_its_positions(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    config = loaded(small_config(), encoder_folder(tmp_path / "e"), max_length=65)
    with pytest.raises(UserError, match=r"model.max_length = 65, but encoder .* reads at most 64 tokens"):
        resources.encoder(config)


def test_a_tokenizer_of_another_model(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    config = loaded(small_config(), encoder_folder(tmp_path / "e", vocab_size=20))
    with pytest.raises(UserError, match=r"the tokenizer has \d+ tokens, but the encoder's vocab_size is 20"):
        resources.encoder(config)


def test_pairs_need_a_second_segment(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    folder = encoder_folder(tmp_path / "e", segments=1)
    resources.encoder(loaded(small_config(), folder))  # siamese pairs do not
    crossed = loaded(small_config(heads={"para": {}}), folder)
    with pytest.raises(UserError, match=r"no second segment .* set heads.para.pair = 'siamese'"):
        resources.encoder(crossed)


def test_devices() -> None:
    assert pick_device("cpu").type == "cpu"
    assert pick_device("auto").type in ("cpu", "cuda", "mps")
    missing = {"cuda", "mps"} - {pick_device("auto").type}
    for name in missing:
        with pytest.raises(UserError, match=f"device '{name}' is not available on this machine"):
            pick_device(name)


def test_a_frozen_encoder_without_a_pooler(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    """Its head would read a random pooler that is never trained."""
    folder = encoder_folder(tmp_path / "e")
    weights = load_file(folder / "model.safetensors")
    save_file({name: w for name, w in weights.items() if not name.startswith("pooler.")}, folder / "model.safetensors")
    config = loaded(small_config(("sst",), heads={"sst": {"pooling": "pooler"}}), folder)
    assert resources.encoder(config).weights is not None  # trained with the rest
    frozen = config.model_copy(update={"model": config.model.model_copy(update={"freeze": "encoder"})})
    with pytest.raises(UserError, match=r"heads.sst.pooling = 'pooler', but encoder .* it would stay random"):
        resources.encoder(frozen)
    cls = frozen.model_copy(update={"heads": {"sst": frozen.heads["sst"].model_copy(update={"pooling": "cls"})}})
    assert resources.encoder(cls) is resources.encoder(config)


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"freeze_layers": 3}, r"model.freeze_layers = 3, but encoder .* has 2 layers"),
        ({"reinit_layers": 3}, r"model.reinit_layers = 3, but encoder .* has 2 layers"),
        ({"reinit_layers": 1, "freeze_layers": 2}, r"freeze_layers = 2 and reinit_layers = 1 overlap in the 2 layers"),
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
