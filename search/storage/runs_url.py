"""Runs that are kept at a URL, such as ``s3://bucket/runs``: each machine works on a copy in its own cache folder.

A file in the copy names the URL, so that whoever has the copy's path also knows where the runs are.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from core.run.atomic_files import write_atomically
from data.errors import MachineError, UnavailableError, UserError

__all__ = ["check_storage", "copy_of", "parse_runs_dir", "url_of"]

MARK = "runs-url.json"
_LONGEST = 60  # characters of the URL in the folder's name


def parse_runs_dir(given: str | Path) -> Path:
    """Return the runs folder that ``--runs-dir`` names: a path, or the copy of what is at a URL.

    Raises:
        UserError: as :func:`copy_of`.
    """
    return copy_of(given) if isinstance(given, str) and "://" in given else Path(given)


def copy_of(url: str) -> Path:
    """Return this machine's copy of the runs at a URL, below ``XDG_CACHE_HOME`` or ``~/.cache``; create it if missing.

    Raises:
        UserError: the URL has a password.
        MachineError: it cannot be created.
    """
    if urlsplit(url).password is not None:
        raise UserError("--runs-dir: leave the password out; each store's library has environment variables for it")
    url = url.rstrip("/")
    readable = re.sub(r"[^A-Za-z0-9.]+", "-", url).strip("-")[:_LONGEST]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "onebert" / f"{readable}-{hashlib.sha256(url.encode()).hexdigest()[:8]}"
    if url_of(folder) != url:
        write_atomically(folder / MARK, (json.dumps({"url": url}) + "\n").encode())
    return folder


def url_of(runs_dir: Path) -> str | None:
    """Return the URL that a runs folder is a copy of; None for an ordinary folder.

    Raises:
        MachineError: the file that names it is damaged.
    """
    mark = runs_dir / MARK
    try:
        return str(json.loads(mark.read_bytes())["url"])
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UnavailableError(f"'{mark}': cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise MachineError(f"{mark}: the file is damaged; delete the folder '{runs_dir}', it is a copy") from error


def check_storage(storage: str | None, runs_dir: Path) -> None:
    """Refuse the default database where the runs are at a URL, at which no SQLite file can be.

    Raises:
        UserError: no storage was given.
    """
    if storage is None and (url := url_of(runs_dir)) is not None:
        raise UserError(f"--runs-dir {url} needs --storage: the database cannot be a file at a URL")
