"""bfloat16: it trains, repeats itself, keeps float32 where it counts, and is refused where it is not to be had."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from core.config import ComputeConfig, RunConfig
from core.inputs.resources import Resources
from core.model.forward_pass import ForwardPass
from core.run.precision import autocast, check_precision
from core.run.run_folder import RunFolder
from core.run_observer import NullRunObserver
from core.trainer import RunOutcome, TrainingRun, train
from data.errors import UserError

MakeConfig = Callable[..., RunConfig]

CPU = torch.device("cpu")
BFLOAT16 = ComputeConfig(device="cpu", precision="bfloat16")


def losses(folder: Path) -> list[dict[str, float]]:
    return [dict(e.train_loss) for e in RunFolder(folder).read_metrics()]


def short(make: MakeConfig, precision: str) -> RunConfig:
    return make(
        ("sts",),
        compute={"precision": precision},
        optim={"learning_rate": 1e-2},
        budget={"examples": 1_500},
        eval={"rungs": 2},
    )


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def finished(
    small_config: MakeConfig, resources: Resources, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Return a run in each precision."""
    folders = {}
    for precision in ("float32", "bfloat16"):
        folders[precision] = tmp_path_factory.mktemp(precision)
        config = short(small_config, precision)
        assert train(config, folders[precision], resources, NullRunObserver()) == RunOutcome.FINISHED
    return folders


def test_products_are_bfloat16_and_weights_float32() -> None:
    layer, x = nn.Linear(8, 8), torch.randn(4, 8)
    with autocast(BFLOAT16, CPU):
        assert layer(x).dtype == torch.bfloat16
    with autocast(ComputeConfig(), CPU):
        assert layer(x).dtype == torch.float32
    assert layer(x).dtype == torch.float32
    assert layer.weight.dtype == torch.float32


def test_a_run_in_bfloat16_learns(finished: dict[str, Path]) -> None:
    """As well as in float32."""
    first, last = (one["sts"] for one in losses(finished["bfloat16"]))
    assert last < 0.8 * first
    assert last == pytest.approx(losses(finished["float32"])[-1]["sts"], rel=0.05)


def test_it_differs_from_float32_by_little(finished: dict[str, Path]) -> None:
    """Catches a precision that is never applied."""
    rough, exact = losses(finished["bfloat16"])[0], losses(finished["float32"])[0]
    assert rough != exact
    assert rough == pytest.approx(exact, rel=0.05)


def test_it_repeats_itself_to_the_bit(
    finished: dict[str, Path], small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    train(short(small_config, "bfloat16"), tmp_path, resources, NullRunObserver())
    assert losses(tmp_path) == losses(finished["bfloat16"])


def test_weights_gradients_outputs_and_losses_are_float32(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    """Catches a model that is cast as a whole: updates of 2e-5 would vanish in weights of 8 bits."""
    config = small_config(compute={"precision": "bfloat16"}, sampler={"order": "together"})
    run = TrainingRun(config, RunFolder(tmp_path), resources)
    run.model.train()
    for task, data in run.tasks.items():
        batch = data.next_batch(6)
        assert batch.labels is not None
        with autocast(config.compute, CPU):
            dense = run.model.encoder(task).layers[0].output.dense
            rows = torch.randn(64, dense.in_features).bfloat16()
            rounded = dense(rows).float()
            forward = ForwardPass(run.model, batch)
            loss = run.model.losses[task].loss(forward.outputs, batch.labels)
        assert (rounded - dense(rows.float())).abs().max() > 1e-5
        assert forward.outputs.dtype == loss.dtype == torch.float32
        torch.testing.assert_close(run.model.losses[task].loss(forward.outputs, batch.labels), loss)
        loss.backward()  # type: ignore[no-untyped-call]
    assert {p.grad.dtype for p in run.model.parameters() if p.grad is not None} == {torch.float32}
    run.step()
    assert {p.dtype for p in run.model.parameters()} == {torch.float32}
    state = run.optimiser.state_dict()["state"].values()
    assert {value.dtype for one in state for value in one.values() if torch.is_tensor(value)} == {torch.float32}


def test_scoring_is_in_the_precision_of_training(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    predictions = {}
    for precision in ("float32", "bfloat16"):
        config = small_config(("sst",), compute={"precision": precision})
        run = TrainingRun(config, RunFolder(tmp_path / precision), resources)
        run.folder.make()
        run.evaluate()
        predictions[precision] = (tmp_path / precision / "predictions" / "sst-dev-200.npy").read_bytes()
    assert predictions["float32"] != predictions["bfloat16"]  # of the same initial weights


# --- where it is to be had


def test_the_cpu_has_both() -> None:
    check_precision(BFLOAT16, CPU)
    check_precision(ComputeConfig(), CPU)


def test_a_gpu_that_would_emulate_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches torch's own default, which says yes for GPUs that emulate it, slower than float32."""
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation)
    message = "compute.precision = 'bfloat16', but device 'cuda' does not support bfloat16 here .*; use .* 'float32'"
    with pytest.raises(UserError, match=message):
        check_precision(BFLOAT16, torch.device("cuda"))
    check_precision(ComputeConfig(), torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: True)  # noqa: ARG005
    check_precision(BFLOAT16, torch.device("cuda"))


def test_a_device_that_cannot_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """MPS before macOS 14 has no such type, and torch then raises."""

    def no_such_type(*_: object, **__: object) -> torch.Tensor:
        raise TypeError("BFloat16 is not supported on MPS")

    monkeypatch.setattr(torch, "ones", no_such_type)
    with pytest.raises(UserError, match="device 'mps' does not support bfloat16 here"):
        check_precision(BFLOAT16, torch.device("mps"))


def test_a_device_that_silently_computes_in_float32_is_refused(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    """As torch does where autocast to bfloat16 is not to be had: it warns and computes in float32."""
    plain = torch.autocast

    def disabled(device: str, dtype: torch.dtype, enabled: bool = True) -> torch.autocast:  # noqa: ARG001
        return plain(device, dtype, enabled=False)

    monkeypatch.setattr(torch, "autocast", disabled)
    with pytest.raises(UserError, match="device 'cpu' does not support bfloat16 here"):
        check_precision(BFLOAT16, CPU)
    assert not recwarn.list
