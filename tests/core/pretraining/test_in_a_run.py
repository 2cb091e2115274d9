"""A run begins with its stages, and they are a part of what it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from core.config import RunConfig
from core.inputs.resources import Resources
from core.pretraining.registry import make_stages
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
    assert (fields["pretraining.mnrl.passes"].kind, fields["pretraining.mnrl.passes"].optional) == (float, True)
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


def test_a_stage_for_the_encoder_of_one_task(small_config: MakeConfig, tmp_path: Path) -> None:
    """The others start from the stages that they have; equal beginnings are trained once."""
    stages = {"mlm": {"examples": 64}, "mnrl": {"examples": 64, "batch_size": 8, "encoders": "sts"}}
    model, resources = {"encoders": "per-task"}, Resources(tmp_path)
    config = small_config(pretraining=stages, model=model)
    run = TrainingRun(config, RunFolder(tmp_path / "run"), resources)
    assert len(list((tmp_path / "stages").iterdir())) == 2
    mlm = TrainingRun(small_config(pretraining={"mlm": stages["mlm"]}), RunFolder(tmp_path / "mlm"), resources)
    both = {"mlm": stages["mlm"], "mnrl": {"examples": 64, "batch_size": 8}}
    all_of_them = TrainingRun(small_config(pretraining=both), RunFolder(tmp_path / "both"), resources)
    assert len(list((tmp_path / "stages").iterdir())) == 2
    for task, expected in (("sst", mlm), ("para", mlm), ("sts", all_of_them)):
        start = expected.model.encoder("sst").state_dict()
        assert all(weight.equal(start[name]) for name, weight in run.model.encoder(task).state_dict().items())
    assert config.pretraining.examples(["sst", "para", "sts"]) == 64 + 64
    with pytest.raises(ValueError, match=r"pretraining.mnrl.encoders = 'sts' needs model.encoders = 'per-task'"):
        small_config(pretraining=stages)
    with pytest.raises(ValueError, match=r"pretraining.mnrl.encoders: no task 'x'; the run has sst, para, sts"):
        small_config(pretraining={"mnrl": {"encoders": "x"}})


def test_a_stage_that_trains_the_low_rank_updates(small_config: MakeConfig, tmp_path: Path) -> None:
    """The encoder's own weights stay as they were before it, and the run goes on with A and B."""
    stages = {"mlm": {"examples": 64}, "mnrl": {"examples": 64, "batch_size": 8, "lora": True, "learning_rate": 1e-2}}
    config, resources = small_config(pretraining=stages, lora={"rank": 2}), Resources(tmp_path)
    run = TrainingRun(config, RunFolder(tmp_path / "run"), resources)
    mlm = TrainingRun(
        small_config(pretraining={"mlm": stages["mlm"]}, lora={"rank": 2}), RunFolder(tmp_path / "mlm"), resources
    )
    before, after = (one.model.encoder("sst").state_dict() for one in (mlm, run))
    assert before.keys() == after.keys()
    moved = {name for name, weight in after.items() if not weight.equal(before[name])}
    assert moved == {name for name in after if name.endswith((".lora_a", ".lora_b"))}
    again = TrainingRun(config, RunFolder(tmp_path / "again"), Resources(tmp_path)).model.encoder("sst").state_dict()
    assert all(weight.equal(after[name]) for name, weight in again.items())
    assert len(list((tmp_path / "stages").iterdir())) == 2
    TrainingRun(small_config(pretraining=stages, lora={"rank": 4}), RunFolder(tmp_path / "other"), resources)
    assert len(list((tmp_path / "stages").iterdir())) == 3
    assert train(config, tmp_path / "run", resources, NullRunObserver()) == RunOutcome.FINISHED


def test_what_stages_of_low_rank_updates_need(small_config: MakeConfig) -> None:
    with pytest.raises(ValueError, match=r"pretraining.mlm.lora = true needs lora.rank above 0"):
        small_config(pretraining={"mlm": {"examples": 9, "lora": True}})
    stages = {"mlm": {"examples": 9, "lora": True}, "mnrl": {"examples": 9}}
    with pytest.raises(ValueError, match=r"pretraining.mnrl.lora must be true too: it continues from stage mlm"):
        small_config(pretraining=stages, lora={"rank": 2})


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
    assert small_config().pretraining.examples(["all-tasks"]) == 0


def test_a_length_in_passes_is_that_of_as_many_examples(small_config: MakeConfig, tmp_path: Path) -> None:
    """One epoch at batch 8 and a constant rate: the result is shared with a stage of as many examples."""
    plain = {"batch_size": 8, "schedule": "constant", "warmup": 0.0, "weight_decay": 0.0, "clip_norm": None}
    config, resources = small_config(pretraining={"mnrl": {**plain, "passes": 1}}), Resources(tmp_path)
    (stage,) = make_stages(config, config.pretraining, resources)
    examples = len(stage.make_data())
    assert (stage.config.examples, stage.config.passes) == (examples, None)
    assert stage.config.steps == -(-examples // 8) > 1
    run = TrainingRun(config, RunFolder(tmp_path / "run"), resources)
    same = small_config(pretraining={"mnrl": {**plain, "examples": examples}})
    again = TrainingRun(same, RunFolder(tmp_path / "same"), resources)
    assert len(list((tmp_path / "stages").iterdir())) == 1
    weights = again.model.encoder("sst").state_dict()
    assert all(weight.equal(weights[name]) for name, weight in run.model.encoder("sst").state_dict().items())
    assert RunConfig.model_validate_json(config.model_dump_json()) == config != same
    while not run.at_rung:
        run.step()
    cost = run.evaluate().cost
    assert cost is not None
    assert cost.pretraining_examples == stage.config.steps * 8


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
