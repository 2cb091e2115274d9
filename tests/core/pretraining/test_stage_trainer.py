"""When a stage is trained, resumed, saved and stopped; the training itself is a stand-in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from core.config import RunConfig
from core.inputs.resources import Resources
from core.pretraining import stage_trainer
from core.pretraining.observer import NullStageObserver, PretrainingInterruptedError
from core.pretraining.stage import Stage
from core.pretraining.stage_folder import StageFolder
from core.pretraining.stage_keys import KeyedStage
from core.pretraining.stage_run import StageRun
from core.pretraining.stage_trainer import StageTrainer, begin_stage

MakeConfig = Callable[..., RunConfig]
CPU = torch.device("cpu")
WEIGHTS = {"w": torch.zeros(2)}


class Counting:
    """A training of five steps of ten examples, which adds 1 to the weights at every step."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        self.progress, self.done, self.start = SimpleNamespace(examples=0), 0, weights
        self.curve = {"50": 0.5}

    @property
    def finished(self) -> bool:
        return self.done == 5

    def step(self) -> None:
        self.done += 1
        self.progress.examples = 10 * self.done

    def state_dict(self) -> dict[str, Any]:
        return {"done": self.done}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.done = state["done"]

    def weights(self) -> dict[str, Tensor]:
        return {name: weight + self.done for name, weight in self.start.items()}


class StopsAt(NullStageObserver):
    """An observer that stops the stage at a number of examples."""

    def __init__(self, examples: int) -> None:
        self.examples, self.seen = examples, []

    def advanced(self, stage: str, examples: int) -> bool:  # noqa: ARG002
        self.seen.append(examples)
        return examples < self.examples


@pytest.fixture
def folder(tmp_path: Path) -> StageFolder:
    found = StageFolder(tmp_path / "key")
    found.path.mkdir()
    return found


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Counting]:
    """Replace the training by one that counts; return those that were begun."""
    runs: list[Counting] = []

    def begin(stage: object, config: object, shape: object, weights: dict[str, Tensor], device: object) -> Counting:  # noqa: ARG001
        runs.append(Counting(weights))
        return runs[-1]

    monkeypatch.setattr(stage_trainer, "begin_stage", begin)
    return runs


@pytest.fixture
def result(
    make_run: Callable[..., tuple[Stage, StageRun]], small_config: MakeConfig, folder: StageFolder, resources: Resources
) -> Callable[..., dict[str, Tensor]]:
    """Return the result of a stage under an observer."""

    def find(observer: Any = None, checkpoint_seconds: float = 60.0) -> dict[str, Tensor]:
        shape = resources.encoder(small_config()).config
        trainer = StageTrainer(small_config(), shape, CPU, observer or NullStageObserver(), checkpoint_seconds)
        link = KeyedStage(make_run("simcse")[0], {"stage": "simcse"}, "key")
        return trainer.result(link, folder, WEIGHTS)

    return find


Result = Callable[..., dict[str, Tensor]]


def test_a_stage_is_trained_once(result: Result, folder: StageFolder, begun: list[Counting]) -> None:
    assert result()["w"].tolist() == [5, 5]
    assert json.loads(folder.facts.read_text()) == {"stage": "simcse", "losses": {"50": 0.5}}
    assert result()["w"].tolist() == [5, 5]
    assert len(begun) == 1, "the second result is that of the folder"


def test_an_interrupted_stage_continues_from_its_last_step(
    result: Result, folder: StageFolder, begun: list[Counting]
) -> None:
    with pytest.raises(PretrainingInterruptedError, match="stage simcse at 30 examples"):
        result(StopsAt(30))
    assert folder.read_checkpoint() == {"done": 3}
    assert folder.read_encoder() is None
    rest = StopsAt(100)
    assert result(rest)["w"].tolist() == [5, 5]
    assert rest.seen == [40, 50]
    assert len(begun) == 2


def test_checkpoints_are_written_as_often_as_asked(
    result: Result, folder: StageFolder, begun: list[Counting], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert begun == []
    written: list[Any] = []
    monkeypatch.setattr(StageFolder, "write_checkpoint", lambda _, state: written.append(state["done"]))
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(stage_trainer, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    result(checkpoint_seconds=20.0)
    assert written == [2, 4]
    assert folder.read_encoder() is not None


def test_damaged_files_cost_time_and_not_the_result(result: Result, folder: StageFolder, begun: list[Counting]) -> None:
    folder.encoder.write_bytes(b"damaged")
    folder.checkpoint.write_bytes(b"damaged")
    with pytest.warns(UserWarning, match="damaged") as warned:
        assert result()["w"].tolist() == [5, 5]
    said = [str(one.message) for one in warned]
    assert any(line.endswith("; the stage is trained again") for line in said)
    assert any(line.endswith("; the stage starts over") for line in said)
    assert len(begun) == 1


def test_a_stage_begins_on_the_given_weights_with_its_own_dropout(
    make_run: Callable[..., tuple[Stage, StageRun]], small_config: MakeConfig
) -> None:
    stage, other = make_run("simcse", dropout=0.25)
    bert = other.encoder.bert
    weights = {name: weight.clone() for name, weight in bert.state_dict().items()}
    begun = begin_stage(stage, small_config(), bert.config, weights, CPU).encoder.bert
    assert all(torch.equal(begun.state_dict()[name], weight) for name, weight in weights.items())
    assert (begun.config.hidden_dropout_prob, begun.config.attention_probs_dropout_prob) == (0.25, 0.25)
    plain = replace(stage, config=stage.config.model_copy(update={"dropout": None}))
    assert begin_stage(plain, small_config(), bert.config, weights, CPU).encoder.bert.config == bert.config
