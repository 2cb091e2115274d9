"""Files of a stage in the cache: complete or absent, locked by one process at a time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from filelock import FileLock

from core.pretraining import NullStageObserver
from core.pretraining.observer import PretrainingInterruptedError
from core.pretraining.stage_folder import StageFolder
from core.run.errors import CheckpointError

WEIGHTS = {"a.weight": torch.randn(3, 4), "b.bias": torch.arange(5)}


@pytest.fixture
def folder(tmp_path: Path) -> StageFolder:
    found = StageFolder(tmp_path / "stages" / "key")
    found.path.mkdir(parents=True)
    return found


def test_an_encoder_is_read_back_and_replaces_the_checkpoint(folder: StageFolder) -> None:
    assert folder.read_encoder() is None
    folder.write_checkpoint({"step": 3})
    assert folder.read_checkpoint() == {"step": 3}
    folder.write_encoder(WEIGHTS)
    found = folder.read_encoder()
    assert found is not None
    assert found.keys() == WEIGHTS.keys()
    assert all(torch.equal(found[name], weight) for name, weight in WEIGHTS.items())
    assert folder.read_checkpoint() is None


def test_a_damaged_encoder(folder: StageFolder) -> None:
    folder.write_encoder(WEIGHTS)
    data = bytearray(folder.encoder.read_bytes())
    data[-1] ^= 1
    folder.encoder.write_bytes(bytes(data))
    with pytest.raises(CheckpointError, match=r"encoder\.safetensors: the file is damaged: wrong checksum"):
        folder.read_encoder()
    folder.encoder.write_bytes(b"short")
    with pytest.raises(CheckpointError, match=r"encoder\.safetensors: cannot read the encoder"):
        folder.read_encoder()


def test_facts_are_json(folder: StageFolder) -> None:
    folder.write_facts({"stage": "mlm", "config": {"examples": 40}})
    assert json.loads(folder.facts.read_text()) == {"stage": "mlm", "config": {"examples": 40}}


def test_locking_creates_the_folder_and_deletes_half_written_files(tmp_path: Path) -> None:
    folder = StageFolder(tmp_path / "new" / "key")
    with folder.locked("mlm", NullStageObserver()):
        assert folder.path.is_dir()
        (left := folder.path / "checkpoint.pt.tmp").touch()
    with folder.locked("mlm", NullStageObserver()):
        assert not left.exists()


def test_an_observer_may_stop_waiting(folder: StageFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.pretraining.stage_folder._LOOK_UP_SECONDS", 0.01)

    class Impatient(NullStageObserver):
        asked = 0

        def waiting(self, stage: str) -> bool:
            assert stage == "mlm"
            self.asked += 1
            return self.asked < 3

    observer = Impatient()
    with (
        FileLock(folder.lock),
        pytest.raises(PretrainingInterruptedError, match="stage mlm, while another process trains it"),
        folder.locked("mlm", observer),
    ):
        pass
    assert observer.asked == 3
    with folder.locked("mlm", observer):  # released again
        pass
