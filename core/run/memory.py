"""How much memory a run takes at most."""

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
    """The most memory in use at a time, from here on.

    On cuda: memory that tensors take on the device. Elsewhere: resident memory of the whole process, with libraries,
    data and encoders that it holds. Workers live longer than a run, so the kernel's peak is set back to what is in
    use now. Where it cannot be (macOS, and Linux without a writable /proc), it is the peak of the whole process so
    far: at least the run's own, and maybe that of an earlier run. What is loaded before, the encoder's file for one,
    does not count once it is freed.

    Args:
        device: that the run is on.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._before = 0.0
        if device.type == "cuda":
            torch.cuda.init()  # type: ignore[no-untyped-call]  # nothing can be reset before
            torch.cuda.reset_peak_memory_stats(device)
        else:
            _give_back_freed_memory()
            _reset_process_peak()

    @property
    def mib(self) -> float:
        """The peak so far, MiB."""
        if self._device.type == "cuda":
            now = torch.cuda.max_memory_allocated(self._device) / _MIB
        else:
            now = _process_peak() / _MIB
        return max(self._before, now)

    def resume(self, mib: float) -> None:
        """Take in the peak of the run before it was interrupted: the larger one counts."""
        self._before = max(self._before, mib)


def _give_back_freed_memory() -> None:
    """Else an earlier run's memory, which glibc keeps for later, is part of what is in use now."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def _reset_process_peak() -> None:
    try:
        _CLEAR_REFS.write_text("5")  # proc(5): sets VmHWM to the resident memory of now
    except OSError:
        return


def _process_peak() -> int:
    """Bytes."""
    try:
        found = re.search(r"^VmHWM:\s*(\d+) kB$", _STATUS.read_text(), re.MULTILINE)
    except OSError:
        found = None
    if found:
        return int(found[1]) * 1024
    import resource  # not on every platform

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
