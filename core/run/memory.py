"""Measure the peak memory of a run."""

from __future__ import annotations

import ctypes
import re
import sys
from pathlib import Path

import torch

__all__ = ["PeakMemory"]

_MIB = 2**20
_STATUS, _CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class PeakMemory:
    """Peak memory from here on.

    On cuda: memory that tensors take on the device. Elsewhere: resident memory of the whole process, including
    libraries, data and encoders. Workers live longer than a run, so the kernel's peak is reset to what is in use now.
    Where it cannot be reset (macOS, and Linux without a writable /proc), it is the peak of the whole process so far:
    at least the run's own, and maybe that of an earlier run. What was loaded before, such as the encoder's file, does
    not count once it is freed.

    Args:
        device: the device of the run.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._before = 0.0
        if device.type == "cuda":
            torch.cuda.init()  # type: ignore[no-untyped-call]  # needed before the reset
            torch.cuda.reset_peak_memory_stats(device)
        else:
            _give_back_freed_memory()
            _reset_process_peak()

    @property
    def mib(self) -> float:
        """Return the peak so far, MiB."""
        if self._device.type == "cuda":
            now = torch.cuda.max_memory_allocated(self._device) / _MIB
        else:
            now = _process_peak() / _MIB
        return max(self._before, now)

    def resume(self, mib: float) -> None:
        """Take the peak before an interruption into account: the larger one counts."""
        self._before = max(self._before, mib)


def _give_back_freed_memory() -> None:
    """Return memory that glibc keeps for later to the system, so that an earlier run's does not count as in use."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def _reset_process_peak() -> None:
    try:
        _CLEAR_REFS.write_text("5", encoding="utf-8")  # proc(5): sets VmHWM to the current resident memory
    except OSError:
        return


def _process_peak() -> int:
    """Return the peak resident memory of the process, bytes."""
    try:
        found = re.search(r"^VmHWM:\s*(\d+) kB$", _STATUS.read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        found = None
    if found:
        return int(found[1]) * 1024
    import resource  # not on every platform

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
