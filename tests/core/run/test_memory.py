"""The peak of a run is its own, not that of an earlier run of the process."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from core.run import memory
from core.run.memory import PeakMemory

CPU = torch.device("cpu")
MIB = 2**20

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can set the peak back")


def use(mib: int) -> None:
    """Take so much memory and give it back."""
    assert np.ones(mib * MIB, dtype=np.uint8)[-1] == 1


@linux
def test_a_run_does_not_inherit_the_peak_of_an_earlier_one() -> None:
    """Fails without the reset: the process once held 300 MiB more."""
    first = PeakMemory(CPU)
    start = first.mib
    use(300)
    assert first.mib > start + 290
    second = PeakMemory(CPU)
    assert second.mib < start + 100
    use(150)
    assert start + 140 < second.mib < start + 250


@linux
def test_memory_that_the_c_library_keeps_is_not_counted() -> None:
    """Fails if the peak is set back only: 300 MiB in blocks too small to be given back when they are freed."""
    before = PeakMemory(CPU).mib
    blocks = [torch.ones(25 * 1024) for _ in range(3072)]  # 100 KiB each
    kept = blocks[:: len(blocks) // 10] + blocks[-1:]
    del blocks
    assert PeakMemory(CPU).mib < before + 100
    assert len(kept) == 12


def test_a_resumed_run_keeps_the_larger_peak() -> None:
    peak = PeakMemory(CPU)
    own = peak.mib
    peak.resume(own / 2)
    assert peak.mib >= own
    peak.resume(own + 5000)
    peak.resume(own + 4000)
    assert peak.mib == own + 5000


def test_without_proc_it_is_the_peak_of_the_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory, "_STATUS", tmp_path / "missing" / "status")
    monkeypatch.setattr(memory, "_CLEAR_REFS", tmp_path / "missing" / "clear_refs")
    unit = 1 if sys.platform == "darwin" else 1024
    assert PeakMemory(CPU).mib == pytest.approx(
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MIB, rel=0.01
    )


def test_on_cuda_the_devices_allocator_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, object]] = []
    monkeypatch.setattr(torch.cuda, "init", lambda: calls.append(("init", None)))
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: calls.append(("reset", device)))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 3 * MIB if device.index == 1 else 0)
    device = torch.device("cuda", 1)
    peak = PeakMemory(device)
    assert calls == [("init", None), ("reset", device)]  # the reset fails before the initialisation
    assert peak.mib == 3.0
