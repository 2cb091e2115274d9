"""Read how many cores a Linux control group grants; containers and job schedulers set it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

__all__ = ["cpu_quota"]


def cpu_quota(membership: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> float | None:
    """Return the number of cores whose time this process may use; None without a limit, and on other systems.

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


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
