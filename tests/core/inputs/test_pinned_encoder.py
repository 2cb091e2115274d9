"""A run is trained from the encoder that it began with, or not at all."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from core.config import RunConfig
from core.inputs.pinned_encoder import pinned_encoder
from core.inputs.resources import Resources
from core.model_files.encoder_content import EncoderContent
from core.run.run_folder import RunFolder
from core.run_observer import NullRunObserver
from core.trainer import RunOutcome, train
from data.errors import MachineError, UnavailableError
from tests.core.small_encoders import encoder_folder, loaded

MakeConfig = Callable[..., RunConfig]


@pytest.fixture
def config(small_config: MakeConfig, tmp_path: Path) -> RunConfig:
    return loaded(small_config(("sst",)), encoder_folder(tmp_path / "encoder"))


def test_the_content_is_written_when_a_run_begins(config: RunConfig, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    encoder = pinned_encoder(config, folder, Resources(tmp_path / "cache"))
    assert json.loads(folder.encoder.read_text()) == EncoderContent.read(tmp_path / "encoder").to_json()
    assert encoder.content == EncoderContent.read(tmp_path / "encoder")


def test_a_changed_encoder_is_waited_for(config: RunConfig, tmp_path: Path) -> None:
    """The process that loaded it asks again, and finds the original files when they are back."""
    folder, resources = RunFolder(tmp_path / "run"), Resources(tmp_path / "cache")
    folder.write_encoder(EncoderContent.read(tmp_path / "encoder").to_json())
    shutil.move(tmp_path / "encoder", tmp_path / "original")
    encoder_folder(tmp_path / "encoder")
    with pytest.raises(UnavailableError) as caught:
        pinned_encoder(config, folder, resources)
    assert str(caught.value) == (
        f"encoder '{tmp_path / 'encoder'}' has changed since the study began (other weights), so trials could not be "
        "compared; put the original files back"
    )
    shutil.rmtree(tmp_path / "encoder")
    shutil.move(tmp_path / "original", tmp_path / "encoder")
    assert pinned_encoder(config, folder, resources).content == EncoderContent.read(tmp_path / "encoder")


def test_a_changed_encoder_is_loaded_again_by_the_next_run(config: RunConfig, tmp_path: Path) -> None:
    resources = Resources(tmp_path / "cache")
    before = pinned_encoder(config, RunFolder(tmp_path / "run"), resources)
    encoder_folder(tmp_path / "encoder")
    with pytest.raises(UnavailableError, match="has changed since the study began"):
        pinned_encoder(config, RunFolder(tmp_path / "run"), resources)
    after = pinned_encoder(config, RunFolder(tmp_path / "other"), resources)
    assert after.content.changes(before.content) == ["weights"]


@pytest.mark.parametrize("damaged", ["", "[]", '{"weights": "x"}'])
def test_a_damaged_record_is_the_machines_fault(config: RunConfig, tmp_path: Path, damaged: str) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    folder.encoder.write_text(damaged)
    with pytest.raises(MachineError, match=r"encoder\.json: the file is damaged"):
        pinned_encoder(config, folder, Resources(tmp_path / "cache"))


def test_a_vocabulary_is_pinned_too(small_config: MakeConfig, tmp_path: Path) -> None:
    folder, config = RunFolder(tmp_path / "run"), small_config(("sst",))
    pinned_encoder(config, folder, Resources(tmp_path / "cache"))
    assert set(json.loads(folder.encoder.read_text())) == {"tokenizer"}


class StopAfterOneStep(NullRunObserver):
    def stepped(self, examples: int) -> bool:
        return examples < 1


def test_a_run_resumes_from_an_encoder_that_has_moved(config: RunConfig, tmp_path: Path) -> None:
    """It does not start over, and ends where it would have ended."""
    whole, moved = tmp_path / "whole", tmp_path / "moved-run"
    resources = Resources(tmp_path / "cache")
    assert train(config, whole, resources, NullRunObserver()) is RunOutcome.FINISHED
    assert train(config, moved, resources, StopAfterOneStep()) is RunOutcome.INTERRUPTED
    shutil.move(tmp_path / "encoder", tmp_path / "elsewhere")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcome = train(loaded(config, tmp_path / "elsewhere"), moved, resources, NullRunObserver())
    assert outcome is RunOutcome.FINISHED
    assert (moved / "best" / "model.safetensors").read_bytes() == (whole / "best" / "model.safetensors").read_bytes()
