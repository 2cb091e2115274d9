"""Find out on which kind of file system a file is."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["file_system", "is_remote", "nearest_folder"]

_REMOTE = re.compile(r"nfs\d?|cifs|smb\d?|smbfs|fuse\.sshfs|9p|afs|ceph|fuse\.glusterfs|glusterfs|lustre|gpfs|beegfs")


def file_system(path: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """Return the type of a file system as Linux names it (``ext4``, ``nfs4``); empty if it is not known.

    Args:
        path: a file or folder, which need not exist.
        mounts: file that lists the mounted file systems (proc(5)).
    """
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return ""
    found, longest = "", -1
    for line in lines:
        _, place, kind, *_ = line.split(" ")
        mounted = Path(re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), place))  # \040 is a space
        if path.resolve().is_relative_to(mounted) and len(mounted.parts) >= longest:
            found, longest = kind, len(mounted.parts)
    return found


def is_remote(kind: str) -> bool:
    """Return whether a file system of this type keeps its files on another machine."""
    return _REMOTE.fullmatch(kind) is not None


def nearest_folder(path: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    path = path.absolute()
    return next((folder for folder in (path, *path.parents) if folder.is_dir()), Path(path.anchor))
