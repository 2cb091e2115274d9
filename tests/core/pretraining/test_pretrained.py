"""Stages are trained once for all runs that need them, and interruptions do not change their results."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from filelock import FileLock
from safetensors.torch import save_file
from torch import Tensor

from core.config import RunConfig
from core.config.pretraining import PretrainingConfig
from core.inputs.resources import Resources
from core.model.multitask import build_model
from core.pretraining import NullStageObserver, PretrainingInterruptedError, pretrained_weights
from tests.core.small_encoders import encoder_folder, loaded

MakeConfig = Callable[..., RunConfig]
ROOT = Path(__file__).resolve().parents[3]

MNRL = {"mnrl": {"examples": 120, "batch_size": 8, "learning_rate": 1e-3}}  # 15 steps
CHAIN = {"mlm": {"examples": 80, "batch_size": 8}, **MNRL}
EVERY = {
    "nli_file": {"path": "nli.tsv"},
    **{
        name: {"examples": 40, "batch_size": 8}
        for name in ("mlm", "nli", "simcse", "supervised_simcse", "mnrl", "cosine_pairs")
    },
}


@dataclass
class Watcher:
    """Counts the steps of each stage; may stop after some."""

    stop_after: int | None = None
    wait: bool = True
    steps: dict[str, int] = field(default_factory=dict)

    def advanced(self, stage: str, examples: int) -> bool:
        assert examples > 0
        self.steps[stage] = self.steps.get(stage, 0) + 1
        return sum(self.steps.values()) != self.stop_after

    def waiting(self, stage: str) -> bool:
        assert stage
        return self.wait


def weights_of(
    config: RunConfig,
    sections: dict[str, Any],
    resources: Resources,
    cache: Path,
    observer: Watcher | NullStageObserver | None = None,
    **options: Any,
) -> dict[str, Tensor]:
    pretraining = PretrainingConfig.model_validate(sections)
    found = pretrained_weights(config, pretraining, resources, cache, observer or NullStageObserver(), **options)
    assert found is not None
    return found


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def only(folder: Path, file: str) -> Path:
    (found,) = (folder / "stages").glob(f"*/{file}")
    return found


@pytest.fixture(scope="module")
def undisturbed(
    small_config: MakeConfig, resources: Resources, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Tensor]:
    """Return the result of the MNRL stage."""
    torch.set_num_threads(1)
    return weights_of(small_config(), MNRL, resources, tmp_path_factory.mktemp("undisturbed"))


def test_without_stages_the_encoder_is_as_it_was(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    config = loaded(small_config(), encoder_folder(tmp_path / "encoder"))
    found = pretrained_weights(config, PretrainingConfig(), resources, tmp_path / "cache", NullStageObserver())
    expected = resources.encoder(config).read_weights()
    assert found is not None
    assert expected is not None
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())
    assert not (tmp_path / "cache").exists()


def test_a_stage_is_trained_once(
    small_config: MakeConfig, resources: Resources, tmp_path: Path, undisturbed: dict[str, Tensor]
) -> None:
    first, second = Watcher(), Watcher()
    torch.manual_seed(99)  # a stage does not depend on what the process drew before
    assert same(weights_of(small_config(), MNRL, resources, tmp_path, first), undisturbed)
    assert same(weights_of(small_config(), MNRL, Resources(tmp_path / "x"), tmp_path, second), undisturbed)
    assert (first.steps, second.steps) == ({"mnrl": 15}, {})
    assert {path.name for path in only(tmp_path, "stage.json").parent.iterdir()} - {"lock"} == {
        "encoder.safetensors",
        "stage.json",
    }
    facts = json.loads(only(tmp_path, "stage.json").read_text())
    assert facts["stage"] == "mnrl"
    assert len(facts["losses"]) == 10


def test_the_result_is_what_the_run_starts_from(
    small_config: MakeConfig, resources: Resources, undisturbed: dict[str, Tensor]
) -> None:
    config = small_config()
    bert = build_model(config, resources.encoder(config).config, undisturbed).encoder("sst")
    assert same(bert.state_dict(), undisturbed)
    plain = build_model(config, resources.encoder(config).config, None).encoder("sst")
    moved = {name for name, weight in plain.state_dict().items() if not torch.equal(weight, undisturbed[name])}
    assert len(moved) > 20
    assert not any(name.startswith("pooler") for name in moved)  # as the run draws it: nothing trained it


def test_torchs_generator_is_as_before_whether_trained_or_found(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    """Catches runs whose dropout depends on whether another run has paid for the stage."""
    drawn = []
    for _ in range(2):
        torch.manual_seed(5)
        weights_of(small_config(), MNRL, resources, tmp_path)
        drawn.append(torch.rand(3))
    torch.manual_seed(5)
    drawn.append(torch.rand(3))
    assert torch.equal(drawn[0], drawn[1])
    assert torch.equal(drawn[0], drawn[2])


def test_all_stages_in_a_row(small_config: MakeConfig, resources: Resources, tmp_path: Path, nli_pairs: object) -> None:
    assert nli_pairs
    watcher = Watcher()
    weights = weights_of(small_config(), EVERY, resources, tmp_path, watcher)
    assert list(watcher.steps.items()) == [(name, 5) for name in list(EVERY)[1:]]
    stopped = 0
    while True:  # after every 4 steps
        try:
            again = weights_of(small_config(), EVERY, Resources(tmp_path / "r"), tmp_path / "other", Watcher(4))
            break
        except PretrainingInterruptedError:
            stopped += 1
    assert stopped == 7
    assert same(weights, again)


def test_runs_share_the_stages_that_they_have_in_common(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    weights_of(small_config(), {"mlm": CHAIN["mlm"]}, resources, tmp_path)
    watcher = Watcher()
    weights = weights_of(small_config(optim={"learning_rate": 0.5}), CHAIN, resources, tmp_path, watcher)
    assert watcher.steps == {"mnrl": 15}
    assert same(weights, weights_of(small_config(), CHAIN, resources, tmp_path / "apart"))


def test_the_last_result_is_enough(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    weights = weights_of(small_config(), CHAIN, resources, tmp_path)
    for path in (tmp_path / "stages").iterdir():
        if json.loads((path / "stage.json").read_text())["stage"] == "mlm":
            (path / "encoder.safetensors").unlink()
    watcher = Watcher()
    assert same(weights_of(small_config(), CHAIN, resources, tmp_path, watcher), weights)
    assert watcher.steps == {}


@pytest.mark.parametrize("steps", [1, 7, 14, 15])
def test_an_interrupted_stage_equals_an_uninterrupted_one(
    small_config: MakeConfig, tmp_path: Path, undisturbed: dict[str, Tensor], steps: int
) -> None:
    with pytest.raises(PretrainingInterruptedError, match=f"stage mnrl at {8 * steps} examples"):
        weights_of(small_config(), MNRL, Resources(tmp_path / "a"), tmp_path, Watcher(stop_after=steps))
    rest = Watcher()
    assert same(weights_of(small_config(), MNRL, Resources(tmp_path / "b"), tmp_path, rest), undisturbed)
    assert rest.steps.get("mnrl", 0) == 15 - steps
    assert not list((tmp_path / "stages").glob("*/checkpoint.pt"))


@pytest.mark.parametrize("damage", ["flipped bit", "cut short", "empty", "nonsense", "another's", "other weights"])
def test_a_damaged_result_is_found_out(
    small_config: MakeConfig, resources: Resources, tmp_path: Path, undisturbed: dict[str, Tensor], damage: str
) -> None:
    weights_of(small_config(), MNRL, resources, tmp_path)
    path = only(tmp_path, "encoder.safetensors")
    content = bytearray(path.read_bytes())
    content[-1001] ^= 1
    path.write_bytes(
        {"flipped bit": bytes(content), "cut short": bytes(content[:-7]), "empty": b""}.get(damage, b"nonsense" * 20)
    )
    if damage in ("another's", "other weights"):
        others = {name: weight + 1 for name, weight in undisturbed.items()}
        save_file(others, path, metadata={"sha256": "0" * 64} if damage == "other weights" else None)
    watcher = Watcher()
    with pytest.warns(UserWarning, match=r"encoder\.safetensors: .*; the stage is trained again"):
        assert same(weights_of(small_config(), MNRL, resources, tmp_path, watcher), undisturbed)
    assert watcher.steps == {"mnrl": 15}
    assert same(weights_of(small_config(), MNRL, resources, tmp_path), undisturbed)  # without a warning


def test_a_damaged_last_result_takes_the_one_before(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    weights = weights_of(small_config(), CHAIN, resources, tmp_path)
    for path in (tmp_path / "stages").iterdir():
        if json.loads((path / "stage.json").read_text())["stage"] == "mnrl":
            (path / "encoder.safetensors").write_bytes(b"")
    watcher = Watcher()
    with pytest.warns(UserWarning, match="the stage is trained again"):
        assert same(weights_of(small_config(), CHAIN, resources, tmp_path, watcher), weights)
    assert watcher.steps == {"mnrl": 15}


def test_a_damaged_checkpoint_costs_time_only(
    small_config: MakeConfig, resources: Resources, tmp_path: Path, undisturbed: dict[str, Tensor]
) -> None:
    with pytest.raises(PretrainingInterruptedError):
        weights_of(small_config(), MNRL, resources, tmp_path, Watcher(stop_after=9))
    path = only(tmp_path, "checkpoint.pt")
    path.write_bytes(path.read_bytes()[:-50])
    watcher = Watcher()
    with pytest.warns(UserWarning, match="the file is damaged: .*; the stage starts over"):
        assert same(weights_of(small_config(), MNRL, resources, tmp_path, watcher), undisturbed)
    assert watcher.steps == {"mnrl": 15}


def test_waiting_can_be_interrupted(
    small_config: MakeConfig, resources: Resources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.pretraining.stage_folder._LOOK_UP_SECONDS", 0.05)
    with pytest.raises(PretrainingInterruptedError):
        weights_of(small_config(), MNRL, resources, tmp_path, Watcher(stop_after=1))
    watcher = Watcher(wait=False)
    with (
        FileLock(only(tmp_path, "stage.json").parent / "lock"),
        pytest.raises(PretrainingInterruptedError, match="stage mnrl, while another process trains it"),
    ):
        weights_of(small_config(), MNRL, resources, tmp_path, watcher)
    assert watcher.steps == {}
    assert weights_of(small_config(), MNRL, resources, tmp_path)


def test_a_stages_own_dropout(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    """None means the rate of the run, for hidden states and for attention weights."""
    found = [
        weights_of(small_config(model=model), {"mnrl": {**MNRL["mnrl"], **own}}, resources, tmp_path)
        for model, own in (
            ({"dropout": 0.3, "attention_dropout": 0.3}, {}),
            ({"dropout": 0.0}, {"dropout": 0.3}),
            ({"dropout": 0.3}, {}),
            ({}, {"dropout": 0.0}),
        )
    ]
    assert same(found[0], found[1])
    assert not same(found[0], found[2])
    assert not same(found[2], found[3])


def test_bfloat16(small_config: MakeConfig, resources: Resources, tmp_path: Path, nli_pairs: object) -> None:
    assert nli_pairs
    weights = weights_of(small_config(compute={"precision": "bfloat16"}), EVERY, resources, tmp_path)
    assert all(weight.dtype == torch.float32 for weight in weights.values())
    assert not same(weights, weights_of(small_config(), EVERY, resources, tmp_path))


# A separate process: trains the stage, and kills itself at a given place.
CHILD = """
import os, signal, sys, time
from pathlib import Path
import torch
from core.run import atomic_files
from core.config import RunConfig
from core.config.pretraining import PretrainingConfig
from core.pretraining import pretrained_weights
from core.inputs.resources import Resources

folder, cache, name, plan = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]
torch.set_num_threads(1)
config = RunConfig.model_validate_json((folder / "config.json").read_text())
pretraining = PretrainingConfig.model_validate_json((folder / "pretraining.json").read_text())
flush = atomic_files.flush_to_disk

def killing_flush(file):
    if "encoder.safetensors" in os.readlink(f"/proc/self/fd/{file.fileno()}"):
        os.kill(os.getpid(), signal.SIGKILL)
    flush(file)

if plan == "while the result is written":
    atomic_files.flush_to_disk = killing_flush

class Observer:
    steps = 0
    def advanced(self, stage, examples):
        self.steps += 1
        if plan == "at step 6" and self.steps == 6:
            os.kill(os.getpid(), signal.SIGKILL)
        if plan == "together":
            time.sleep(0.05)  # long enough for the other process to arrive
        return True
    def waiting(self, stage):
        return True

resources = Resources(folder / f"cache {name}")
resources.task_data(config)
observer = Observer()
(folder / f"ready {name}").touch()
while plan == "together" and not all((folder / f"ready {other}").exists() for other in "ab"):
    time.sleep(0.01)
weights = pretrained_weights(config, pretraining, resources, cache, observer, checkpoint_seconds=0.0)
torch.save({"steps": observer.steps, "weights": weights}, folder / f"result {name}")
"""


@pytest.fixture
def child(small_config: MakeConfig, tmp_path: Path) -> Iterator[Callable[[str, str], subprocess.Popen[bytes]]]:
    """Start a process on the MNRL stage in the cache ``tmp_path``: its name, and the plan of its death."""
    started: list[subprocess.Popen[bytes]] = []
    (tmp_path / "config.json").write_text(small_config().model_dump_json())
    (tmp_path / "pretraining.json").write_text(json.dumps(MNRL))

    def start(name: str, plan: str) -> subprocess.Popen[bytes]:
        arguments = [sys.executable, "-c", CHILD, str(tmp_path), str(tmp_path), name, plan]
        started.append(subprocess.Popen(arguments, cwd=ROOT))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize(("plan", "steps_left"), [("at step 6", 10), ("while the result is written", 0)])
def test_a_killed_stage_equals_an_uninterrupted_one(
    child: Callable[[str, str], subprocess.Popen[bytes]],
    small_config: MakeConfig,
    resources: Resources,
    tmp_path: Path,
    undisturbed: dict[str, Tensor],
    plan: str,
    steps_left: int,
) -> None:
    """SIGKILL: nothing of the process gets to clean up, and its lock is free all the same."""
    assert child("a", plan).wait(timeout=120) == -signal.SIGKILL
    assert not list((tmp_path / "stages").glob("*/encoder.safetensors"))
    assert only(tmp_path, "checkpoint.pt")
    watcher = Watcher(wait=False)
    assert same(weights_of(small_config(), MNRL, resources, tmp_path, watcher), undisturbed)
    assert watcher.steps.get("mnrl", 0) == steps_left


def test_of_two_processes_one_trains_and_the_other_waits(
    child: Callable[[str, str], subprocess.Popen[bytes]], tmp_path: Path, undisturbed: dict[str, Tensor]
) -> None:
    processes = [child(name, "together") for name in "ab"]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    results = [torch.load(tmp_path / f"result {name}") for name in "ab"]
    assert sorted(result["steps"] for result in results) == [0, 15]
    assert all(same(result["weights"], undisturbed) for result in results)
