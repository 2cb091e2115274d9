"""Say in one line what a file, the network, a storage or the machine did, from the exception that it raised."""

from __future__ import annotations

import errno
import os
import sys
from json import JSONDecodeError
from pathlib import Path

from core.run.atomic_files import DISK_FAULTS

__all__ = ["fault_text", "one_line", "remedy"]

_NETWORK = {"httpcore", "httpcore2", "httpx", "httpx2", "huggingface_hub", "requests", "ssl", "urllib", "urllib3"}
_STORAGE = {"MySQLdb", "optuna", "psycopg", "psycopg2", "pymysql", "sqlalchemy", "sqlite3"}
_STORAGE_FAULTS = {
    "DataError",
    "DatabaseError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",  # a table is gone
    "StorageInternalError",
    "TimeoutError",
}
_PARSERS = {"json", "tomllib"}
_OURS = {"core", "data", "search", "studies"}


def one_line(error: BaseException) -> str:
    """Return an exception's message in one line, never empty."""
    return " ".join(str(error).split()) or type(error).__name__


def fault_text(error: BaseException) -> str | None:
    """Describe the fault of a file, folder, network, storage, terminal or machine in one line.

    Libraries' exceptions are recognised by their names, so that none is imported for this.

    Returns:
        The text; None if the exception is no such fault, and so a mistake in a program.
    """
    if isinstance(error, OSError):
        return _system_text(error)
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return f"out of memory ({one_line(error)}); use smaller batches, fewer workers, or a larger machine"
    if isinstance(error, UnicodeEncodeError) and error.encoding == sys.getfilesystemencoding() != "utf-8":
        return f"the locale has no character {error.object[error.start]!a} of a file's name; set PYTHONUTF8=1"
    if isinstance(error, RecursionError) and _was_parsing(error):
        return "an input file is nested too deeply"
    if isinstance(error, ImportError):
        return _import_text(error)
    if isinstance(error, JSONDecodeError | UnicodeDecodeError) or _is_of("ValidationError", error):
        return f"what is recorded in a file or the storage of studies is damaged: {one_line(error)}"
    return _library_text(error)


def remedy(error: BaseException | None) -> str:
    """Return what to do about a file or folder that cannot be read or written, beginning with a semicolon.

    Returns:
        The text; empty if the exception is None or another fault, or if its reason says it all.
    """
    if not isinstance(error, OSError):
        return ""
    if error.errno == errno.EROFS:
        return "; use a folder on another disk, or mount this one for writing"
    if error.errno in DISK_FAULTS:
        return "; free some space, then run the same command again"
    places = [Path(os.fsdecode(name)) for name in _names(error)]
    if error.errno in (errno.EACCES, errno.EPERM) and places:
        there = _nearest(places[0])
        what = f"folder '{there}'" if there.is_dir() else f"file '{there}' and of its folder"
        return f"; check the permissions of the {what}, or use another one"
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        for there in map(_nearest, places):
            if there.exists() and not there.is_dir():
                return f"; '{there}' is a file where a folder is needed: move it away, or use another folder"
    return ""


def _names(error: OSError) -> list[str | bytes]:
    return [name for name in (error.filename, error.filename2) if isinstance(name, str | bytes)]


def _nearest(path: Path) -> Path:
    """Return the path itself if it exists, else the nearest one above that does."""
    return next((one for one in (path, *path.parents) if os.path.lexists(one)), Path())


def _system_text(error: OSError) -> str | None:
    if error.errno == errno.EBADF:  # we closed a file too early
        return None
    reason = f"{error.strerror or one_line(error)}{remedy(error)}"
    names = [os.fsdecode(name) for name in _names(error)]
    if len(names) > 1:
        return f"cannot move '{names[0]}' to '{names[1]}': {reason}"
    if names:
        return f"cannot access '{names[0]}': {reason}"
    if isinstance(error, ConnectionError | TimeoutError) or _modules(error) & _NETWORK or _is_of("gaierror", error):
        return f"network: {reason}"
    return f"the operating system reports: {reason}"


def _import_text(error: ImportError) -> str | None:
    package = (error.name or "").partition(".")[0]
    if package in _OURS or not package:
        return None
    return f"the package '{package}' is missing or broken ({one_line(error)}); install onebert again"


def _library_text(error: BaseException) -> str | None:
    modules = _modules(error)
    if modules & _STORAGE and any(_is_of(name, error) for name in _STORAGE_FAULTS):
        cause = getattr(error, "orig", None) or error.__cause__ or error  # SQLAlchemy's own message has the statement
        return f"the storage of studies fails: {one_line(cause)}"
    if modules & _NETWORK:
        return f"network: {one_line(error)}"
    if _is_of("SafetensorError", error):
        return f"a file of weights is damaged: {one_line(error)}"
    return None


def _modules(error: BaseException) -> set[str]:
    """Return the top-level packages that define the exception's classes."""
    return {kind.__module__.partition(".")[0] for kind in type(error).__mro__}


def _is_of(name: str, error: BaseException) -> bool:
    return any(kind.__name__ == name for kind in type(error).__mro__)


def _was_parsing(error: BaseException) -> bool:
    trace = error.__traceback__
    while trace is not None:
        if str(trace.tb_frame.f_globals.get("__name__")).partition(".")[0] in _PARSERS:
            return True
        trace = trace.tb_next
    return False
