"""A run begins with its stages, and they are a part of what it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from core.config import RunConfig
from core.inputs.resources import Resources
from core.run.run_folder import RunFolder
from core.run_observer import NullRunObserver
from core.speed_probe import measure_speed
from core.trainer import RunOutcome, TrainingRun, train
from search.space.paths import config_fields

MakeConfig = Callable[..., RunConfig]
STAGES = {"mlm": {"examples": 200}, "mnrl": {"examples": 200, "batch_size": 8}}


def test_its_settings_are_paths() -> None:
    fields = config_fields(["sst"])
    assert fields["pretraining.mnrl.examples"].kind is int
    assert fields["pretraining.simcse.temperature"].kind is float
    assert fields["pretraining.cosine_pairs.pooling"].literals == ("cls", "pooler", "mean", "max")
    assert fields["pretraining.mlm.tasks"].optional


def test_tasks_are_checked(small_config: MakeConfig) -> None:
    with pytest.raises(ValueError, match=r"pretraining.mlm.tasks = 'foo': no task 'foo'"):
        small_config(pretraining={"mlm": {"tasks": "foo"}})


def test_a_run_repeats_itself_with_stages_of_another_run(small_config: MakeConfig, tmp_path: Path) -> None:
    config, resources = small_config(pretraining=STAGES), Resources(tmp_path)
    assert config.digest != small_config().digest
    assert RunConfig.model_validate_json(config.model_dump_json()) == config
    curves = []
    for name in ("first", "second"):
        assert train(config, tmp_path / name, resources, NullRunObserver()) == RunOutcome.FINISHED
        curves.append([(e.scores, e.train_loss) for e in RunFolder(tmp_path / name).read_metrics()])
    assert curves[0] == curves[1]
    assert len(list((tmp_path / "stages").iterdir())) == 2


def test_a_run_starts_from_its_stages(small_config: MakeConfig, tmp_path: Path) -> None:
    resources = Resources(tmp_path)
    runs = [
        TrainingRun(small_config(pretraining=stages), RunFolder(tmp_path / "run"), resources) for stages in ({}, STAGES)
    ]
    tables = [run.model.encoder("sst").embeddings.word_embeddings.weight for run in runs]
    assert not tables[0].equal(tables[1])


def test_encoders_of_the_tasks_own_all_start_from_the_same_stages(small_config: MakeConfig, tmp_path: Path) -> None:
    """They also come from a run whose tasks share one encoder: nothing is trained again."""
    resources = Resources(tmp_path)
    shared, own = (
        TrainingRun(
            small_config(pretraining=STAGES, model={"encoders": encoders}), RunFolder(tmp_path / "run"), resources
        )
        for encoders in ("shared", "per-task")
    )
    assert len(list((tmp_path / "stages").iterdir())) == 2
    start = shared.model.encoder("sst").state_dict()
    parts = own.model.parts()
    assert [part.name for part in parts] == ["sst", "para", "sts"]
    assert all(weight.equal(start[name]) for part in parts for name, weight in part.encoder.state_dict().items())


def test_its_cost_counts_stages_that_another_run_trained(small_config: MakeConfig, tmp_path: Path) -> None:
    """By what the stages see: 104 is 13 whole batches of 8, and 64 two of 32."""
    seen: dict[str, int] = {}

    class Watcher(NullRunObserver):
        def advanced(self, stage: str, examples: int) -> bool:
            seen[stage] = examples
            return True

    stages = {"mlm": {"examples": 50}, "mnrl": {"examples": 100, "batch_size": 8}}
    config, resources = small_config(pretraining=stages), Resources(tmp_path)
    costs = []
    for name in ("first", "second"):
        train(config, tmp_path / name, resources, Watcher())
        costs.append([e.cost.pretraining_examples for e in RunFolder(tmp_path / name).read_metrics() if e.cost])
    assert seen == {"mlm": 64, "mnrl": 104}
    assert costs == [[168] * 3] * 2
    assert small_config().pretraining.examples == 0


def test_it_can_be_interrupted_before_its_first_step(small_config: MakeConfig, tmp_path: Path) -> None:
    class Stop(NullRunObserver):
        steps = 0

        def advanced(self, stage: str, examples: int) -> bool:
            assert (stage, examples) == ("mlm", 32)
            return False

        def stepped(self, examples: int) -> bool:  # noqa: ARG002
            self.steps += 1
            return True

    stop, config = Stop(), small_config(pretraining=STAGES)
    assert train(config, tmp_path / "run", Resources(tmp_path), stop) == RunOutcome.INTERRUPTED
    assert stop.steps == 0
    assert train(config, tmp_path / "run", Resources(tmp_path), NullRunObserver()) == RunOutcome.FINISHED


def test_the_estimate_counts_stages_that_are_not_yet_trained(
    small_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the mean of four steps after the first, times the stage's steps; a stage of one step has only that one."""
    clock = {"mlm": iter([9.0, 1.0, 2.0, 3.0, 4.0]), "mnrl": iter([9.0, 0.5, 0.5, 0.5, 0.5]), "simcse": iter([0.25])}
    stages = {**STAGES, "simcse": {"examples": 5, "batch_size": 8}}
    config, resources = small_config(pretraining=stages), Resources(tmp_path)
    timed: list[str] = []

    def lap(step: Callable[[], None], device: torch.device) -> float:
        assert device.type == "cpu"
        step()
        stage: str = step.__self__._stage.name  # type: ignore[attr-defined]
        timed.append(stage)
        return next(clock[stage])

    monkeypatch.setattr("core.pretraining.stage_speed.seconds_of", lap)
    assert measure_speed(config, resources).pretraining_seconds == 7 * 2.5 + 1 * 0.25 + 25 * 0.5
    assert timed == ["mlm"] * 5 + ["simcse"] + ["mnrl"] * 5
    assert not (tmp_path / "stages").exists()

    train(small_config(pretraining={"mlm": STAGES["mlm"]}), tmp_path / "run", resources, NullRunObserver())
    clock |= {"mnrl": iter([9.0, 0.5, 0.5, 0.5, 0.5]), "simcse": iter([0.25])}
    assert measure_speed(config, resources).pretraining_seconds == 0.25 + 25 * 0.5
    assert measure_speed(small_config(), resources).pretraining_seconds == 0.0
