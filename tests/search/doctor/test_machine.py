"""The device, threads and cores of this machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from core.config import ComputeConfig
from data.errors import UserError
from search.doctor import machine
from search.doctor.machine import cpu_quota
from tests.search.doctor.examined import states
from tests.stub_gpus import write_nvidia_smi


def test_a_gpu_that_torch_cannot_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "pick_device", lambda _: torch.device("cpu"))
    monkeypatch.setattr(machine, "_has_nvidia", lambda: True)
    found = list(machine.check_device(ComputeConfig()))
    assert ("device", "warning") in states(found)
    assert ("device", "warning") not in states(list(machine.check_device(ComputeConfig(device="cpu"))))


@pytest.mark.parametrize(
    ("usable", "quota", "workers", "threads", "state", "words"),
    [
        (8, None, 2, 4, "ok", "8 usable cores; the study uses 2 x 4"),
        (8, None, 2, 5, "warning", "pass --threads 4, or fewer --workers"),
        (8, 2.0, 1, 8, "warning", "8 usable cores, limited to 2 by a quota; the study uses 1 x 8"),
        (8, 1.5, 1, None, "warning", "pass --threads 1"),
        (1, None, 1, None, "ok", "1 usable core"),
    ],
)
def test_threads_against_cores(
    monkeypatch: pytest.MonkeyPatch,
    usable: int,
    quota: float | None,
    workers: int,
    threads: int | None,
    state: str,
    words: str,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(usable)), raising=False)
    monkeypatch.setattr(machine, "cpu_quota", lambda: quota)
    (check,) = machine.check_threads(workers, threads, {})
    assert check.state == state
    assert words in f"{check.found}; {check.advice}"


def test_environment_variables_that_limit_threads() -> None:
    found = list(machine.check_threads(1, 1, {"OMP_NUM_THREADS": "64"}))
    assert "OMP_NUM_THREADS = 64 is ignored" in found[0].found
    environment = {"OMP_THREAD_LIMIT": "1", "OMP_PROC_BIND": "true"}
    advice = [check.advice for check in machine.check_threads(2, 4, environment)][1:]
    assert advice == ["unset OMP_THREAD_LIMIT", "unset OMP_PROC_BIND"]
    assert len(list(machine.check_threads(2, 1, {"OMP_THREAD_LIMIT": "4", "OMP_PROC_BIND": "false"}))) == 1


def test_quotas_of_control_groups(tmp_path: Path) -> None:
    member, root = tmp_path / "cgroup", tmp_path / "fs"
    assert cpu_quota(member, root) is None
    member.write_text("0::/pod/box\n")
    for group, limit in (("pod/box", "400000 100000"), ("pod", "150000 100000"), (".", "max 100000")):
        (root / group).mkdir(parents=True, exist_ok=True)
        (root / group / "cpu.max").write_text(f"{limit}\n")
    assert cpu_quota(member, root) == 1.5  # the tightest
    (root / "pod" / "cpu.max").write_text("max 100000\n")
    assert cpu_quota(member, root) == 4.0
    member.write_text("5:memory:/pod\n4:cpu,cpuacct:/job\n")
    folder = root / "cpu,cpuacct" / "job"
    folder.mkdir(parents=True)
    (folder / "cpu.cfs_period_us").write_text("100000\n")
    for quota, cores in ((-1, None), (250000, 2.5)):
        (folder / "cpu.cfs_quota_us").write_text(f"{quota}\n")
        assert cpu_quota(member, root) == cores


@pytest.mark.parametrize(("available", "state"), [(1.9, "warning"), (2.1, "ok")])
def test_free_memory(monkeypatch: pytest.MonkeyPatch, available: float, state: str) -> None:
    monkeypatch.setattr(machine, "_read", lambda _: f"MemTotal: 9 kB\nMemAvailable:  {available * 2**20:.0f} kB\n")
    *_, memory = machine.check_device(ComputeConfig(device="cpu"))
    assert (memory.name, memory.state, memory.found) == ("memory", state, f"{available} GiB available")


def test_memory_that_the_system_does_not_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_read", lambda _: "")
    assert [name for name, _ in states(list(machine.check_device(ComputeConfig(device="cpu"))))] == ["device"]


def test_gpus_of_a_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", write_nvidia_smi(tmp_path)["PATH"])
    (check,) = machine.check_gpus((0, 2), 4)
    assert (check.state, check.found) == ("ok", "cuda:0 NVIDIA H100 80GB HBM3, cuda:2 NVIDIA T4; 4 workers")
    with pytest.raises(UserError, match="no GPU 5"):
        list(machine.check_gpus((5,), 1))
