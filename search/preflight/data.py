"""Generate or check all data before a study starts, so that bad data ends it at once, not in its first trial."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.config import DataConfig, RunConfig, TaskConfig
from core.model_files.encoder_content import EncoderContent
from core.run.atomic_files import write_atomically
from data.errors import UserError
from data.overlap import count_overlap
from data.reading import MalformedRowsError, RawSplit, read_split
from data.synthetic.corpus import write_corpus
from data.tasks import SplitName
from search.study.spec import StudySpec

__all__ = ["DataReport", "check_data", "listing_faults", "with_synthetic_data", "write_synthetic_data"]


@dataclass(frozen=True)
class DataReport:
    """Sizes, warnings and digests of a study's data.

    Attributes:
        sizes: examples per task and split; a task without a test file has no such entry.
        warnings: rows left out, and dev or test sentences that are also in train; one line each.
        digest: SHA-256 over all that is trained on and scored, 64 hex digits.
        splits_digest: SHA-256 over the tasks' own files.
        further: one line for each source of further training examples.
        encoders: content of the study's encoders by name, as far as they could be read.
    """

    sizes: dict[str, dict[SplitName, int]]
    warnings: tuple[str, ...]
    digest: str
    splits_digest: str
    further: tuple[str, ...] = ()
    encoders: Mapping[str, EncoderContent] = field(default_factory=dict)


def check_data(config: RunConfig, list_faults_in: Path | None = None) -> DataReport:
    """Read every split of every task; :mod:`search.preflight.further` checks further training examples.

    Args:
        config: the run whose tasks and data folder to read.
        list_faults_in: a file to write all malformed rows to, if a split has too many; the error quotes a few.

    Raises:
        UserError: if a file is missing, has wrong columns or too many malformed rows; see :mod:`data.reading`.
    """
    directory = Path(config.data.directory)
    sizes: dict[str, dict[SplitName, int]] = {}
    warnings: list[str] = []
    digest = hashlib.sha256()
    for name, task in config.tasks.items():
        with listing_faults(list_faults_in):
            splits = _read(task, directory)
        sizes[name] = {split: len(raw) for split, raw in splits.items()}
        for split, raw in splits.items():
            digest.update(f"{name} {split} ".encode() + raw.path.read_bytes())
            warnings += [f"skipped {row}" for row in raw.skipped]
            if split != "train":
                shared = count_overlap(splits["train"], raw).warning(name, split)
                warnings += [] if shared is None else [shared]
    return DataReport(sizes, tuple(warnings), digest.hexdigest(), digest.hexdigest())


@contextmanager
def listing_faults(file: Path | None) -> Iterator[None]:
    """Write all malformed rows to a file, if one is given, when an error quotes only a few of them.

    Raises:
        UserError: the error, with the name of the file.
    """
    try:
        yield
    except MalformedRowsError as error:
        if file is None:
            raise
        write_atomically(file, "".join(f"{row}\n" for row in error.rows).encode())
        raise UserError(f"{error}; all are listed in {file}") from None


def _read(task: TaskConfig, directory: Path) -> dict[SplitName, RawSplit]:
    splits: tuple[SplitName, ...] = ("train", "dev", "test") if task.spec.files.test else ("train", "dev")
    return {split: read_split(task.spec, directory, split) for split in splits}


def with_synthetic_data(spec: StudySpec, runs_dir: Path) -> StudySpec:
    """Write the corpus below ``runs_dir`` and return the study that reads it; unchanged if it has its own data."""
    if spec.synthetic is None:
        return spec
    data = DataConfig(directory=str(runs_dir / spec.name / "corpus"))
    spec = replace(spec, base=spec.base.model_copy(update={"data": data}))
    write_synthetic_data(spec)
    return spec


def write_synthetic_data(spec: StudySpec) -> None:
    """Write the corpus that the study reads, or the files of it that are missing; nothing if it has its own data.

    Raises:
        MachineError: the files cannot be written.
    """
    if (size := spec.synthetic) is not None:
        directory = Path(spec.base.data.directory)
        write_corpus(directory, train=size.train, dev=size.dev, test=size.test, seed=size.seed)
