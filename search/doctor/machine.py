"""Check the device, memory and cores of this machine."""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

from core.config import ComputeConfig
from core.inputs.resources import pick_device
from core.run.precision import check_precision
from data.errors import UserError
from search.doctor.check import Check, ok, warning
from search.doctor.control_groups import cpu_quota

__all__ = ["check_device", "check_threads"]

_GIB = 2**30
_LITTLE_MEMORY = 2 * _GIB
_PINNED = ("OMP_PROC_BIND", "KMP_AFFINITY", "GOMP_CPU_AFFINITY")


def check_device(compute: ComputeConfig) -> Iterator[Check]:
    """Check the device that a run would use.

    Raises:
        UserError: this machine has no such device, or the device does not support the precision.
    """
    device = pick_device(compute.device)
    check_precision(compute, device)
    if device.type == "cuda":
        yield from _cuda(device)
    elif device.type == "mps":
        yield ok("device", f"mps, {_bfloat16(device)}")
    else:
        hardware = (
            "in hardware" if re.search(r"avx512_bf16|amx_bf16|\bbf16\b", _cpu_info()) else "not in hardware, slow"
        )
        yield ok("device", f"cpu: {_cpu_name()}; bfloat16 {hardware}")
        if compute.device == "auto" and _has_nvidia():
            yield warning(
                "device",
                f"there is an NVIDIA GPU, but torch {torch.__version__} cannot use it",
                "install a torch with CUDA (https://pytorch.org/get-started/locally) and check nvidia-smi",
            )
    yield from _memory()


def _cuda(device: torch.device) -> Iterator[Check]:
    free, total = torch.cuda.mem_get_info(device)
    name, count = torch.cuda.get_device_name(device), torch.cuda.device_count()
    more = f", the first of {count}" if count > 1 else ""
    found = f"cuda: {name}{more}, {free / _GIB:.1f} of {total / _GIB:.1f} GiB free, {_bfloat16(device)}"
    if free < _LITTLE_MEMORY:
        yield warning("device", found, "another process uses its memory: see nvidia-smi")
    else:
        yield ok("device", found)


def _bfloat16(device: torch.device) -> str:
    try:
        check_precision(ComputeConfig(precision="bfloat16"), device)
    except UserError:
        return "no bfloat16"
    return "bfloat16"


def _memory() -> Iterator[Check]:
    """Check the free memory; only Linux reports it."""
    found = re.search(r"^MemAvailable:\s*(\d+) kB", _read("/proc/meminfo"), re.MULTILINE)
    if found is None:
        return
    available = int(found[1]) * 1024
    line = f"{available / _GIB:.1f} GiB available"
    if available < _LITTLE_MEMORY:
        yield warning(
            "memory", line, "close other programs, or use fewer --workers: each loads torch, the data and an encoder"
        )
    else:
        yield ok("memory", line)


def check_threads(workers: int, threads: int | None, environment: Mapping[str, str] = os.environ) -> Iterator[Check]:
    """Compare the usable cores with the workers' threads.

    Args:
        workers: number of workers of the study.
        threads: threads of each worker; None if not known.
        environment: environment variables of this process.
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cpu_quota()
    cores = usable if quota is None else min(usable, quota)
    found = f"{usable} usable core{'s' * (usable > 1)}" + (
        "" if quota is None else f", limited to {quota:g} by a quota"
    )
    fits = max(int(cores) // workers, 1)
    if threads is None and cores < usable:
        yield warning("threads", found, f"studies use as many threads as there are cores: pass --threads {fits}")
    elif threads is not None and workers * threads > cores:
        yield warning(
            "threads",
            f"{found}; the study uses {workers} x {threads}",
            f"more threads than cores slow each other down: pass --threads {fits}"
            + (", or fewer --workers" if workers > 1 else ""),
        )
    else:
        study = "" if threads is None else f"; the study uses {workers} x {threads}"
        given = environment.get("OMP_NUM_THREADS")
        unused = (
            ""
            if given is None
            else f"; OMP_NUM_THREADS = {given} is ignored, the study sets the threads of its workers"
        )
        yield ok("threads", found + study + unused)
    yield from _thread_traps(workers, threads or 1, environment)


def _thread_traps(workers: int, threads: int, environment: Mapping[str, str]) -> Iterator[Check]:
    limit = environment.get("OMP_THREAD_LIMIT", "")
    if limit.isdecimal() and int(limit) < threads:
        yield warning(
            "threads", f"OMP_THREAD_LIMIT = {limit} is below the study's {threads} threads", "unset OMP_THREAD_LIMIT"
        )
    pinned = [name for name in _PINNED if environment.get(name, "false").lower() not in ("false", "none", "disabled")]
    if workers > 1 and pinned:
        yield warning("threads", f"{pinned[0]} is set: all workers may share the same cores", f"unset {pinned[0]}")


def _has_nvidia() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def _cpu_name() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", _cpu_info(), re.MULTILINE)
    return found[1] if found else platform.processor() or platform.machine()


def _cpu_info() -> str:
    return _read("/proc/cpuinfo")


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
