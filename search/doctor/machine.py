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
from core.run.cores import usable_cores
from core.run.gpus import GpuChoice, find_gpus
from core.run.precision import check_precision
from data.errors import UserError
from search.doctor.check import Check, ok, warning

__all__ = ["check_device", "check_gpus", "check_threads", "cpu_quota"]

_GIB = 2**30
_LITTLE_MEMORY = 2 * _GIB
_CPU_INFO = Path("/proc/cpuinfo")
_PINNED = ("OMP_PROC_BIND", "KMP_AFFINITY", "GOMP_CPU_AFFINITY")


def check_device(compute: ComputeConfig) -> Iterator[Check]:
    """Check the device that a run would use.

    Raises:
        UserError: this machine has no such device, or the device does not support the precision.
    """
    device = pick_device(compute.device)
    if compute.precision != "auto":
        check_precision(compute, device)
    if device.type == "cuda":
        yield from _cuda(device)
    elif device.type == "mps":
        yield ok("device", f"mps, {_bfloat16(device)}")
    else:
        is_fast = re.search(r"avx512_bf16|amx_bf16|\bbf16\b", _read(_CPU_INFO))
        yield ok("device", f"cpu: {_cpu_name()}; bfloat16 {'in hardware' if is_fast else 'not in hardware, slow'}")
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


def check_gpus(gpus: GpuChoice, workers: int) -> Iterator[Check]:
    """List the GPUs that the study's workers are pinned to.

    Raises:
        UserError: one of them is not there.
    """
    named = (f"{device.name} {device.model}".rstrip() for device in find_gpus(gpus))
    yield ok("gpus", f"{', '.join(named)}; {workers} worker{'s' * (workers > 1)}")


def _bfloat16(device: torch.device) -> str:
    try:
        check_precision(ComputeConfig(precision="bfloat16"), device)
    except UserError:
        return "no bfloat16"
    return "bfloat16"


def _memory() -> Iterator[Check]:
    """Check the free memory; only Linux reports it."""
    found = re.search(r"^MemAvailable:\s*(\d+) kB", _read(Path("/proc/meminfo")), re.MULTILINE)
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
    """Compare the usable cores with the threads of each worker, which may not be known (None)."""
    usable = usable_cores()
    quota = cpu_quota()
    cores = usable if quota is None else min(usable, quota)
    limit = "" if quota is None else f", limited to {quota:g} by a quota"
    found = f"{usable} usable core{'s' * (usable > 1)}{limit}"
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
        if threads is not None:
            found += f"; the study uses {workers} x {threads}"
        if (given := environment.get("OMP_NUM_THREADS")) is not None:
            found += f"; OMP_NUM_THREADS = {given} is ignored, the study sets the threads of its workers"
        yield ok("threads", found)
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


def cpu_quota(membership: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> float | None:
    """Return how many cores this process may use by its Linux control group, which containers and job schedulers set.

    None without a limit, and on other systems.

    Args:
        membership: file that lists the groups of this process (cgroups(7)).
        root: folder where the groups are mounted.
    """
    quotas = [quota for folder in _folders(membership, root) for quota in (_version_2(folder), _version_1(folder))]
    return min((quota for quota in quotas if quota is not None), default=None)


def _folders(membership: Path, root: Path) -> Iterator[Path]:
    """Yield the groups' folders up to the root; the tightest limit applies."""
    for line in _read(membership).splitlines():
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        mounts = [root / controllers, root / "cpu"] if controllers else [root]
        path = Path(group.lstrip("/"))
        for mount in mounts:
            yield from (mount / part for part in (path, *path.parents))


def _version_2(folder: Path) -> float | None:
    quota, _, period = _read(folder / "cpu.max").partition(" ")
    return float(quota) / float(period) if quota.strip().isdecimal() and period.strip().isdecimal() else None


def _version_1(folder: Path) -> float | None:
    quota, period = (_read(folder / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period"))
    return float(quota) / float(period) if quota.isdecimal() and period.isdecimal() else None


def _has_nvidia() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def _cpu_name() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", _read(_CPU_INFO), re.MULTILINE)
    return found[1] if found else platform.processor() or platform.machine()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
