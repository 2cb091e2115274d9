"""GPUs are found with a stand-in for nvidia-smi; a device that has failed is told from a program's mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.run.gpus import Device, device_fault, find_gpus, parse_gpus
from data.errors import MachineError, UserError
from tests.stub_gpus import write_nvidia_smi

A, B, C = (
    Device(f"cuda:{at}", f"GPU-{'abc'[at]}", "NVIDIA T4" if at == 2 else "NVIDIA H100 80GB HBM3") for at in range(3)
)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return an environment whose nvidia-smi lists three GPUs."""
    return write_nvidia_smi(tmp_path)


@pytest.fixture(autouse=True)
def _path(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The program is looked up with this process's PATH."""
    monkeypatch.setenv("PATH", environment["PATH"])


@pytest.mark.parametrize(
    ("value", "choice"), [("all", "all"), ("0", (0,)), ("2, 0", (2, 0)), ([1, 3], (1, 3)), ((0,), (0,))]
)
def test_choices(value: object, choice: object) -> None:
    assert parse_gpus(value) == choice


@pytest.mark.parametrize("value", ["", "two", "0,", "-1", [], 3, ["x"], True, "cuda:0"])
def test_what_is_no_choice(value: object) -> None:
    with pytest.raises(ValueError, match="must be all, or numbers of GPUs such as 0,1"):
        parse_gpus(value)


def test_a_gpu_is_named_once() -> None:
    with pytest.raises(ValueError, match="names a GPU twice; workers_per_gpu says"):
        parse_gpus("0,0")


def test_all_and_some(environment: dict[str, str]) -> None:
    assert find_gpus("all", environment) == (A, B, C)
    assert find_gpus((2, 0), environment) == (C, A)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ("2,0", (Device("cuda:0", "2", "NVIDIA T4"), Device("cuda:1", "0", "NVIDIA H100 80GB HBM3"))),
        ("GPU-b", (Device("cuda:0", "GPU-b", "NVIDIA H100 80GB HBM3"),)),
        ("MIG-1", (Device("cuda:0", "MIG-1"),)),
    ],
)
def test_only_those_that_are_visible(environment: dict[str, str], shown: str, expected: tuple[Device, ...]) -> None:
    """As a batch system hands them out; numbers count within them."""
    assert find_gpus("all", environment | {"CUDA_VISIBLE_DEVICES": shown}) == expected
    assert find_gpus((0,), environment | {"CUDA_VISIBLE_DEVICES": shown}) == expected[:1]


def test_gpus_that_are_not_there(environment: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no GPU 3, 7: there are cuda:0, cuda:1, cuda:2"):
        find_gpus((0, 3, 7), environment)
    for hidden in ("", "-1"):
        with pytest.raises(UserError, match="nvidia-smi lists none, or CUDA_VISIBLE_DEVICES hides it"):
            find_gpus("all", environment | {"CUDA_VISIBLE_DEVICES": hidden})
    for broken in ("#!/bin/sh\nexit 9\n", "#!/bin/sh\necho No devices were found\n"):
        (tmp_path / "nvidia-smi").write_text(broken)
        with pytest.raises(UserError, match="no NVIDIA GPU: nvidia-smi lists none; leave out gpus"):
            find_gpus("all", environment)
    (tmp_path / "nvidia-smi").unlink()
    with pytest.raises(UserError, match="no NVIDIA GPU"):
        find_gpus("all", environment)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: uncorrectable ECC error encountered\nCUDA kernel errors might be reported late"),
        RuntimeError("CUDA error: unspecified launch failure"),
        RuntimeError("No CUDA-capable device is detected"),
        RuntimeError("CUDA error: all CUDA-capable devices are busy or unavailable"),
        MachineError("device 'cuda' is not available on this machine; use cpu or auto"),
    ],
)
def test_failed_devices(error: Exception) -> None:
    found = device_fault(error)
    assert found is not None
    assert "\n" not in found
    assert "might be" not in found


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: device-side assert triggered"),
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB"),
        ZeroDivisionError("no reason"),
        MachineError("No space left on device"),
    ],
)
def test_mistakes_of_programs(error: Exception) -> None:
    assert device_fault(error) is None
