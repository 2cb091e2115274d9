"""A run's folder that is deleted under it, and a disk that takes no more: no run is lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.config import RunConfig
from core.inputs.resources import Resources
from core.run.checkpoint import load_checkpoint, save_checkpoint
from core.run.evaluation import Evaluation
from core.run.run_folder import RunFolder
from core.run_observer import NullRunObserver
from core.trainer import RunOutcome, train
from data.errors import MachineError, UserError
from tests.core.full_disk import FullDisk

MakeConfig = Callable[..., RunConfig]
RUNGS = (200, 400, 600)  # of the small config


class Doer(NullRunObserver):
    """Does something once: after the step or at the rung that reaches this many examples."""

    def __init__(self, do: Callable[[], object], *, rung: int = 0, examples: int = 0) -> None:
        self._do, self._rung, self._examples = do, rung, examples

    def stepped(self, examples: int) -> bool:
        if examples == self._examples:
            self._do()
        return True

    def evaluated(self, evaluation: Evaluation) -> bool:
        if evaluation.rung == self._rung:
            self._do()
        return True


class Stop(NullRunObserver):
    def stepped(self, examples: int) -> bool:
        return examples < 300


def curve(folder: Path) -> list[Evaluation]:
    return [
        replace(one, seconds=0.0, examples_per_second=0.0, cost=one.cost and replace(one.cost, peak_memory_mib=0.0))
        for one in RunFolder(folder).read_metrics()
    ]


@pytest.fixture(scope="module")
def config(small_config: MakeConfig) -> RunConfig:
    return small_config(("sst", "sts"))


@pytest.fixture(scope="module")
def undisturbed(config: RunConfig, resources: Resources, tmp_path_factory: pytest.TempPathFactory) -> list[Evaluation]:
    folder = tmp_path_factory.mktemp("undisturbed")
    train(config, folder, resources, NullRunObserver())
    return curve(folder)


@pytest.mark.parametrize("what", ["..", ".", "best", "predictions", "checkpoint.pt"])
@pytest.mark.parametrize("moment", [{"rung": 200}, {"examples": 300}])
def test_what_is_deleted_while_a_run_trains_is_made_again(
    config: RunConfig,
    resources: Resources,
    undisturbed: list[Evaluation],
    tmp_path: Path,
    what: str,
    moment: dict[str, int],
) -> None:
    """Earlier predictions are gone, and the model too where no later one is better."""
    folder = tmp_path / "study" / "trial"

    def delete() -> None:
        path = (folder / what).resolve()
        path.unlink() if path.is_file() else shutil.rmtree(path)

    assert train(config, folder, resources, Doer(delete, **moment)) == RunOutcome.FINISHED
    assert curve(folder) == undisturbed
    run = RunFolder(folder)
    assert load_checkpoint(run.checkpoint)["progress"]["examples"] == 600
    for task in config.tasks:
        assert [run.predictions(task, rung).exists() for rung in RUNGS[1:]] == [True, True]
    assert not list(tmp_path.rglob("*.tmp"))


def test_deleted_results_are_trained_again(
    config: RunConfig, resources: Resources, undisturbed: list[Evaluation], tmp_path: Path
) -> None:
    folder = tmp_path / "trial"
    assert train(config, folder, resources, Stop()) == RunOutcome.INTERRUPTED
    shutil.rmtree(folder)
    assert train(config, folder, resources, NullRunObserver()) == RunOutcome.FINISHED
    assert curve(folder) == undisturbed


FILES = ("checkpoint.pt", "metrics.jsonl", "predictions/sts-dev-400.npy", "best/model.safetensors")


@pytest.mark.parametrize("name", FILES)
def test_a_full_disk_costs_a_run_nothing(
    config: RunConfig,
    resources: Resources,
    undisturbed: list[Evaluation],
    tmp_path: Path,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """/dev/full fails like a full disk. Complete files stay, no partial file is left, and the run continues later."""
    folder = tmp_path / "trial"
    file = folder / name
    disk = FullDisk(monkeypatch)
    full = Doer(lambda: setattr(disk, "name", file.name), rung=200)
    with pytest.raises(MachineError) as caught:
        train(config, folder, resources, full)
    assert str(caught.value) == f"cannot write '{file}': No space left on device"
    assert not list(folder.rglob("*.tmp"))
    assert curve(folder) == undisturbed[:1]
    # A kill between the checkpoint and the metrics loses nothing either: the checkpoint is written first.
    assert len(load_checkpoint(folder / "checkpoint.pt")["evaluations"]) == (2 if name == "metrics.jsonl" else 1)
    assert train(config, folder, resources, NullRunObserver()) == RunOutcome.FINISHED
    assert curve(folder) == undisturbed


def test_a_checkpoint_of_other_parts_is_not_taken(
    config: RunConfig, resources: Resources, undisturbed: list[Evaluation], tmp_path: Path
) -> None:
    """As an earlier version of the program may have written it: whole, of this configuration, and of no use."""
    folder = tmp_path / "trial"
    train(config, folder, resources, Stop())
    state = load_checkpoint(folder / "checkpoint.pt")
    del state["parts"]["weighting"]
    save_checkpoint(folder / "checkpoint.pt", state)
    with pytest.warns(UserWarning, match=r"was written by another version of this program; the run starts over"):
        train(config, folder, resources, NullRunObserver())
    assert curve(folder) == undisturbed


@pytest.mark.parametrize("content", [b'{"rung": 20', b"[]\n", b"{}\n", b"\xff\xfe"])
def test_damaged_metrics_are_reported_in_one_line(tmp_path: Path, content: bytes) -> None:
    run = RunFolder(tmp_path)
    assert run.read_metrics() == []
    run.metrics.write_bytes(content)
    with pytest.raises(UserError, match=r"metrics\.jsonl: the file is damaged; delete it"):
        run.read_metrics()
