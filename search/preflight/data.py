"""Generate or check all data before a study starts, so that bad data ends it at once, not in its first trial."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path

from core.config import DataConfig, RunConfig
from core.model_files.encoder_content import EncoderContent
from core.run.atomic_files import write_atomically
from data.errors import UnavailableError, UserError
from data.files import read_bytes, split_path
from data.overlap import count_overlap
from data.reading import MalformedRowsError, RawSplit, parse_split, texts_digest
from data.synthetic.corpus import write_corpus
from data.tables.hub_sets import is_hub_name
from data.tasks import SplitName, TaskSpec
from search.preflight.data_parts import DataParts
from search.preflight.labels import check_labels
from search.preflight.study_inputs import StudyInputs
from search.study.spec import StudySpec

__all__ = [
    "DataReport",
    "check_data",
    "check_default_folder",
    "corpus_folder",
    "listing_faults",
    "some_sentences",
    "with_synthetic_data",
    "write_synthetic_data",
]

_SAMPLED = 1000  # examples of a source whose words are looked at
_NAMED_ROWS = 3  # rows left out of a file that are named; the rest are counted


@dataclass(frozen=True)
class DataReport:
    """Sizes, warnings and digests of a study's data.

    Attributes:
        sizes: examples per task and split; a task without a test file has no such entry.
        warnings: rows left out, and dev or test sentences that are also in train; one line each.
        digest: SHA-256 over the bytes of all that is trained on and scored, 64 hex digits.
        splits_digest: SHA-256 over the bytes of the tasks' own files.
        further: one line for each source of further training examples.
        encoders: content of the study's encoders by name, as far as they could be read.
        parts: what trials read, part by part; unlike the digests, as parsed.
        files: SHA-256 of the bytes of each file of further examples or NLI pairs, by its path in the configuration.
        test_texts: SHA-256 of the ids and sentences of each task's test file, see :func:`data.reading.texts_digest`.
        remarks: phrases about the rows of a task's split, such as "2 over several lines".
        samples: sentences of every source of further examples and NLI pairs, see :func:`some_sentences`, by the
            task or setting that has it and a name for the source.
    """

    sizes: dict[str, dict[SplitName, int]]
    warnings: tuple[str, ...]
    digest: str
    splits_digest: str
    further: tuple[str, ...] = ()
    encoders: Mapping[str, EncoderContent] = field(default_factory=dict)
    parts: DataParts = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    test_texts: Mapping[str, str] = field(default_factory=dict)
    remarks: Mapping[str, Mapping[SplitName, tuple[str, ...]]] = field(default_factory=dict)
    samples: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    @property
    def inputs(self) -> StudyInputs:
        """What the study trains from, by content."""
        return StudyInputs(self.digest, self.splits_digest, self.parts, self.encoders, self.files)

    def describe(self, task: str) -> str:
        """Return ``120 train (2 over several lines), 40 dev, 20 test``."""
        noted = {split: ", ".join(remarks) for split, remarks in self.remarks.get(task, {}).items() if remarks}
        return ", ".join(
            f"{size:,} {split}" + (f" ({noted[split]})" if split in noted else "")
            for split, size in self.sizes[task].items()
        )


def check_data(config: RunConfig, list_faults_in: Path | None = None, named_ids: Collection[str] = ()) -> DataReport:
    """Read every split of every task; :mod:`search.preflight.further` checks further training examples.

    Args:
        config: the run whose tasks and data folder to read.
        list_faults_in: a file to write all malformed rows to, if a split has too many; the error quotes a few.
        named_ids: tasks whose files must have the id column; in those of others, the default one may be missing.

    Raises:
        UserError: if a file is missing, has wrong columns or too many malformed rows; see :mod:`data.reading`. Also if
            dev cannot rank trials; see :func:`search.preflight.labels.check_labels`.
    """
    directory = Path(config.data.directory)
    check_default_folder(directory, [task.spec for task in config.tasks.values()])
    report = DataReport({}, (), "", "")
    digest = hashlib.sha256()
    for name, task in config.tasks.items():
        with listing_faults(list_faults_in):
            read = partial(_read, task.spec, directory, digest=digest, needs_id=name in named_ids)
            splits = {split: read(split) for split in _splits(task.spec)}
        warnings = [warning for split, raw in splits.items() for warning in _left_out(name, split, raw)]
        warnings += check_labels(name, task, splits, config.eval.early_share)
        same = ("train",) if task.spec.folds is None else ("train", "dev")  # in folds, equal rows are in one fold
        overlaps = {split: count_overlap(splits["train"], raw) for split, raw in splits.items() if split not in same}
        warnings += [warning for split, one in overlaps.items() if (warning := one.warning(name, split)) is not None]
        report = replace(
            report,
            sizes={**report.sizes, name: {split: len(raw) for split, raw in splits.items()}},
            warnings=(*report.warnings, *warnings),
            parts={**report.parts, name: {split: raw.digest for split, raw in splits.items()}},
            test_texts={**report.test_texts, **_test_texts(name, splits)},
            remarks={**report.remarks, name: {split: _remarks(task.spec, split, raw) for split, raw in splits.items()}},
        )
    return replace(report, digest=digest.hexdigest(), splits_digest=digest.hexdigest())


def _remarks(spec: TaskSpec, split: SplitName, raw: RawSplit) -> tuple[str, ...]:
    taken = [f"out of {spec.files.train}"] if split in spec.taken else []
    if spec.folds is not None and split != "test":
        taken = [f"in {spec.folds} folds"] if split == "train" else ["the same, each in its fold"]
    return (*taken, *raw.counts.remarks())


def _test_texts(name: str, splits: Mapping[SplitName, RawSplit]) -> dict[str, str]:
    test = splits.get("test")
    return {} if test is None else {name: texts_digest(zip(test.ids, test.sentences, strict=True))}


def check_default_folder(directory: Path, specs: list[TaskSpec]) -> None:
    """Refuse the default folder if it has none of the tasks' files: most likely none was named.

    Raises:
        UnavailableError: it has none.
    """
    names = [name for spec in specs for name in (spec.files.train, spec.files.dev)]
    if directory == Path(DataConfig().directory) and not any(
        is_hub_name(name) or (directory / name).is_file() for name in names
    ):
        raise UnavailableError(
            f"the data folder '{directory}' has none of the tasks' files; --data names the folder that has them; you "
            f"are in '{Path.cwd()}'"
        )


def _splits(spec: TaskSpec) -> tuple[SplitName, ...]:
    return ("train", "dev", "test") if spec.files.test else ("train", "dev")


def _read(spec: TaskSpec, directory: Path, split: SplitName, *, digest: hashlib._Hash, needs_id: bool) -> RawSplit:
    """Read a split, and add its file to the digest."""
    path = split_path(spec, directory, split)
    content = read_bytes(path)
    raw = parse_split(spec, split, content, path, needs_id=needs_id)
    digest.update(f"{spec.name} {split} ".encode() + content)
    return raw


def _left_out(task: str, split: SplitName, raw: RawSplit) -> list[str]:
    """Return a warning for each row that was left out, or for the first few and the number of the others."""
    named = [f"skipped {row}" for row in raw.skipped[:_NAMED_ROWS]]
    more = len(raw.skipped) - len(named)
    lost = f"{task}: test rows that cannot be read get no prediction; correct them before search.export"
    return [
        *named,
        *([f"skipped {more:,} more rows of {raw.path.name}"] if more else []),
        *([lost] if raw.skipped and split == "test" else []),
    ]


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


def some_sentences(examples: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the sentences of up to 1,000 examples, spread evenly over all of them."""
    return tuple(chain.from_iterable(examples[:: len(examples) // _SAMPLED + 1]))


def with_synthetic_data(spec: StudySpec, runs_dir: Path) -> StudySpec:
    """Write the study's corpus and return the study that reads it; unchanged if it has data of its own.

    The corpus is in :func:`corpus_folder`, or, if another study generated it, where it was.
    """
    if spec.synthetic is not None:
        data = DataConfig(directory=str(corpus_folder(runs_dir, spec.name)))
        spec = replace(spec, base=spec.base.model_copy(update={"data": data}))
    write_synthetic_data(spec)
    return spec


def corpus_folder(runs_dir: Path, study: str) -> Path:
    """Return the folder of the corpus that a study generates."""
    return runs_dir / study / "corpus"


def write_synthetic_data(spec: StudySpec) -> None:
    """Write the corpus that the study reads, or the files of it that are missing; nothing if it has its own data.

    Raises:
        MachineError: the files cannot be written.
    """
    if (size := spec.synthetic or spec.corpus) is not None:
        directory = Path(spec.base.data.directory)
        write_corpus(directory, train=size.train, dev=size.dev, test=size.test, seed=size.seed)
