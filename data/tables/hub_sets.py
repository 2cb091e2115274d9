"""Data sets of the Hugging Face Hub, kept as a folder with one Parquet file per split.

A study names a split as ``hub:ORG/NAME/SPLIT.parquet``, or ``hub:ORG/NAME/CONFIG/SPLIT.parquet`` for one of several
configurations. ``@REVISION`` after NAME chooses a branch, a tag or a commit.

Every command loads this module, so what is slow to import is imported in its functions.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from data.errors import MachineError, UnavailableError, UserError, did_you_mean

__all__ = ["HUB", "fetch_hub_set", "hub_file", "is_hub_name"]

HUB: Final = "hub:"
"""How the name of a data set of the Hub begins in a study, and in a command."""

_NAME: Final = re.compile(
    r"hub:(?P<set>\w[\w.-]*(/\w[\w.-]*)?)(@(?P<revision>\w[\w.-]*))?(?P<config>/\w[\w.-]*)?", re.ASCII
)
_FORM: Final = "hub:ORG/NAME, or hub:ORG/NAME/CONFIG for one of several configurations"
_INSTALL: Final = "pip install -c constraints.txt -e '.[hub]'"
_ROWS: Final = 10_000  # that are in memory at once
_WITHHELD: Final = -1  # the label of every row of a split whose labels are withheld


def is_hub_name(name: str | Path) -> bool:
    """Return whether this names a data set of the Hub, or a file of one."""
    return str(name).startswith(HUB)


def hub_file(name: str) -> Path:
    """Return a split's file, after downloading its data set if it is not on this machine.

    Args:
        name: such as ``hub:nyu-mll/glue/sst2/train.parquet``.

    Raises:
        UserError: see :func:`fetch_hub_set`; also if the data set has no such split.
    """
    whole, _, file = name.rpartition("/")
    if not file.endswith(".parquet"):
        raise UserError(f"'{name}': a file of a data set of the Hub is its split, such as {name}/train.parquet")
    path = fetch_hub_set(whole) / file
    if not path.is_file():
        there = sorted(one.name for one in path.parent.iterdir())
        raise UserError(f"'{name}': no such split{did_you_mean(file, there)}; there are {', '.join(there)}")
    return path


def fetch_hub_set(name: str) -> Path:
    """Return the folder with a data set's splits as Parquet files, named after them.

    The folder is kept in ``HF_HOME``; a data set that is there is not downloaded again. Numbers of classes become
    their names. Columns of lists, objects, images and sound are left out, and so are labels that are withheld, which
    are -1 in every row of a split, and rows without a class, which are -1 in some rows.

    Args:
        name: such as ``hub:SetFit/sst5`` or ``hub:nyu-mll/glue/sst2``. A folder SetFit/sst5 in the working directory
            comes before the Hub's, as it does in the library ``datasets``; it is read again when its files change.

    Raises:
        UserError: the name is not valid, there is no such data set or configuration, or ``datasets`` is not installed;
            UnavailableError if the Hub cannot be reached.
    """
    found = _NAME.fullmatch(name.rstrip("/"))
    if found is None:
        raise UserError(f"'{name}' is no name of a data set; write {_FORM}")
    from huggingface_hub.constants import HF_HOME

    key = name.removeprefix(HUB).strip("/").replace("/", "--")
    folder = Path(HF_HOME) / "onebert" / f"{key}{_state(Path(found['set']))}"
    if not folder.is_dir():
        config = (found["config"] or "").lstrip("/") or None
        splits = _load(name, found["set"], config, found["revision"])
        try:
            _keep(splits, folder)
        except OSError as error:
            raise MachineError(f"'{name}' cannot be kept in {folder}: {error.strerror or error}") from error
        except Exception as error:  # of the library, and of Arrow, where rows are not of the types they should have
            raise UserError(f"'{name}' cannot be read: {_one_line(error)}") from error
    return folder


def _state(local: Path) -> str:
    """Return what tells a local folder from the Hub's data set and from its own earlier states; nothing without one."""
    if not local.is_dir():
        return ""
    files = sorted(path for path in local.rglob("*") if path.is_file())
    states = [f"{path.resolve()} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files]
    return f"--local-{hashlib.sha256(chr(10).join(states).encode()).hexdigest()[:12]}"


def _keep(splits: Mapping[str, Any], folder: Path) -> None:
    """Write the splits to a folder that is there only when it is complete."""
    partial = folder.with_name(f".partial-{os.getpid()}-{folder.name}")
    partial.mkdir(parents=True)
    try:
        _write(splits, partial)
        partial.rename(folder)
    except OSError:
        if not folder.is_dir():  # otherwise, another process was faster
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _load(name: str, repository: str, config: str | None, revision: str | None) -> Mapping[str, Any]:
    """Return the splits of a data set, as ``datasets`` has them."""
    try:
        from datasets import load_dataset
        from datasets.exceptions import DatasetNotFoundError
    except ImportError:
        raise UserError(f"'{name}' needs datasets: {_INSTALL}") from None
    try:
        splits: Mapping[str, Any] = load_dataset(repository, config, revision=revision)
    except DatasetNotFoundError as error:
        example = f"hub:ORG/{repository}" if config is None else f"hub:{repository}"
        raise UserError(
            f"'{name}': {_one_line(error)}; a configuration comes after the whole name, as in {example}/CONFIG"
        ) from error
    except (ConnectionError, TimeoutError) as error:
        raise UnavailableError(f"'{name}' cannot be downloaded: {_one_line(error)}") from error
    except Exception as error:  # of the library, its file readers, and its HTTP client
        why = _one_line(error).partition(" Example of usage")[0]  # of the library's function
        raise UserError(f"'{name}' cannot be loaded: {why}") from error
    return splits


def _one_line(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error)).strip().rstrip(".")


def _write(splits: Mapping[str, Any], folder: Path) -> None:
    """Write each split as Parquet, a block of rows after the other."""
    from data.tables.parquet import load_pyarrow

    pyarrow = load_pyarrow("a data set of the Hub")
    for split, rows in splits.items():
        columns = _columns(rows)
        types = rows.features.arrow_schema
        named = [
            (name, types.field(name).type if known is None else pyarrow.string()) for name, known in columns.items()
        ]
        with pyarrow.parquet.ParquetWriter(folder / f"{split}.parquet", pyarrow.schema(named)) as writer:
            for table in _blocks(rows, columns, pyarrow):
                writer.write_table(table)


def _blocks(rows: Any, columns: Mapping[str, list[str] | None], pyarrow: Any) -> Iterator[Any]:
    """Yield the rows of a split that have a class, as tables."""
    for block in rows.select_columns(list(columns)).with_format("arrow").iter(_ROWS):
        cells = [_named(block.column(name), known, pyarrow) for name, known in columns.items()]
        table = pyarrow.table(cells, names=list(columns))
        for (name, known), column in zip(columns.items(), cells, strict=True):
            if known is not None and column.null_count:
                table = table.filter(pyarrow.compute.is_valid(table.column(name)))
        yield table


def _columns(rows: Any) -> dict[str, list[str] | None]:
    """Return the columns of a split that have one value per row, each with the names of its classes."""
    from datasets import ClassLabel, Value

    found: dict[str, list[str] | None] = {}
    for name, feature in rows.features.items():
        if isinstance(feature, ClassLabel | Value) and not _is_withheld(rows.data.column(name)):
            found[name] = list(feature.names) if isinstance(feature, ClassLabel) else None
    return found


def _is_withheld(column: Any) -> bool:
    """Return whether every value is -1."""
    from pyarrow import compute, types

    if len(column) == 0 or not (types.is_integer(column.type) or types.is_floating(column.type)):
        return False
    bounds = compute.min_max(column).as_py()
    return bool(bounds["min"] == bounds["max"] == _WITHHELD)


def _named(column: Any, classes: list[str] | None, pyarrow: Any) -> Any:
    """Return the names of classes in place of their numbers; a row without a class has none."""
    if classes is None:
        return column
    return pyarrow.array([None if at is None or at < 0 else classes[at] for at in column.to_pylist()], pyarrow.string())
