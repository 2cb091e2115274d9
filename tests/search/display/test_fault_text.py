"""Which exceptions are faults of files, networks, storages and machines, and what is said about them."""

from __future__ import annotations

import errno
import json
import os
import socket
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy.exc
from optuna.exceptions import StorageInternalError

from core.config import RunConfig
from search.display.fault_text import fault_text, remedy


def test_system_faults() -> None:
    assert fault_text(FileNotFoundError(errno.ENOENT, "No such file or directory", "a b")) == (
        "cannot access 'a b': No such file or directory"
    )
    assert fault_text(OSError(errno.EXDEV, "Invalid cross-device link", "a", None, b"b")) == (
        "cannot move 'a' to 'b': Invalid cross-device link"
    )
    assert fault_text(OSError(errno.ENOSPC, "No space left on device")) == (
        "the operating system reports: No space left on device; free some space, then run the same command again"
    )
    assert fault_text(ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")) == (
        "network: Connection refused"
    )
    assert fault_text(socket.gaierror(-2, "Name or service not known")) == "network: Name or service not known"
    assert str(fault_text(MemoryError())).startswith("out of memory (MemoryError); ")


def test_remedies(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    def of(number: int, *names: object) -> str:
        return remedy(OSError(number, os.strerror(number), *(str(one) for one in names)))

    folder, file = f"'{tmp_path}'", tmp_path / "file"
    assert of(errno.EPERM, tmp_path / "a" / "b") == (
        f"; check the permissions of the folder {folder}, or use another one"
    )
    assert of(errno.EACCES, file) == (
        f"; check the permissions of the file '{file}' and of its folder, or use another one"
    )
    way = f"; '{file}' is a file where a folder is needed: move it away, or use another folder"
    assert of(errno.ENOTDIR, file / "a" / "b") == of(errno.EEXIST, file) == way
    assert of(errno.EROFS, file) == "; use a folder on another disk, or mount this one for writing"
    assert of(errno.EDQUOT) == "; free some space, then run the same command again"
    for other in (of(errno.ENOTDIR, tmp_path), of(errno.EACCES), of(errno.ENOENT, file), remedy(None)):
        assert other == ""


def test_faults_of_storages() -> None:
    below = sqlite3.DatabaseError("database disk image\n is malformed")
    above = sqlalchemy.exc.DatabaseError("SELECT 1", None, below)
    wrapped = StorageInternalError("An exception is raised during the commit. This typically happens due to ...")
    wrapped.__cause__ = below
    for error in (below, above, wrapped):
        assert fault_text(error) == "the storage of studies fails: database disk image is malformed"


def test_nested_input() -> None:
    with pytest.raises(RecursionError) as caught:
        json.loads("[" * 100_000)
    assert fault_text(caught.value) == "an input file is nested too deeply"


def test_damaged_content() -> None:
    for read in (lambda: json.loads("{"), lambda: b"\xff".decode(), lambda: RunConfig.model_validate_json("{}")):
        with pytest.raises(ValueError, match=r".") as caught:
            read()
        assert str(fault_text(caught.value)).startswith(
            "what is recorded in a file or the storage of studies is damaged: "
        )


def test_packages() -> None:
    assert str(fault_text(ModuleNotFoundError("No module named 'x'", name="x.y"))).startswith("the package 'x' is ")
    assert fault_text(ModuleNotFoundError("No module named 'core.x'", name="core.x")) is None


def test_bugs() -> None:
    for error in (KeyError("x"), RecursionError("..."), OSError(errno.EBADF, "Bad file descriptor")):
        assert fault_text(error) is None
    assert fault_text(sqlalchemy.exc.ArgumentError("our mistake")) is None
