"""A look at all further training examples before a study starts: is every file there, has every answer come?"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import replace
from operator import itemgetter
from pathlib import Path

from core.config import RunConfig
from core.config.augmentation import AugmentationConfig
from core.inputs.augmentation import MissingAnswersError, TaskAugmentation
from data.augmentation.additional_examples import AdditionalExamples
from data.errors import UserError
from search.parsing.errors import StudyFileError
from search.preflight.data import DataReport, listing_faults, some_sentences
from search.preflight.data_parts import examples_digest, joint_digest
from search.preflight.source_runs import SourceRun, source_runs
from search.study.spec import StudySpec

__all__ = ["check_further"]

_TRIED_COPIES = 1000  # copies of all training examples take from seconds to minutes; these tell how many there will be


def check_further(
    report: DataReport, spec: StudySpec, answers_dir: Path, list_faults_in: Path | None = None
) -> DataReport:
    """Make the further examples of every source that the study's trials can have; no language model is asked.

    Args:
        report: what is known of the tasks' own files.
        answers_dir: where a language model's answers are.
        list_faults_in: a file for all malformed rows of an extra file that has too many of them.

    Returns:
        The report with the numbers of further examples and rows left out. Its digest now depends on the examples too:
        on those that answers make, not on the file of answers, which grows with other studies. Of copies a sample has
        to do: they follow from the training file but for WordNet's version.

    Raises:
        UserError: a file is missing, malformed or gives nothing new; WordNet is missing; answers are. With the line of
            the study file.
    """
    try:
        return _check(report, spec, answers_dir, list_faults_in)
    except StudyFileError as error:
        raise spec.located_error(error) from None


def _check(report: DataReport, spec: StudySpec, answers_dir: Path, list_faults_in: Path | None) -> DataReport:
    found: dict[tuple[str, str], tuple[int, str]] = {}
    warnings: dict[str, None] = {}
    contents: set[str] = set()
    files = dict(report.files)
    samples = dict(report.samples)
    parts: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for run in source_runs(spec.space, spec.base):
        further = TaskAugmentation(_sampled(run, report), run.task, answers_dir)
        contents_of_files, made = _make(run, further, list_faults_in)
        files.update(contents_of_files)
        one = _count(run, report, made)
        known = found.setdefault((run.task, run.source), one)
        found[run.task, run.source] = max(known, one, key=itemgetter(0))
        warnings.update(dict.fromkeys(f"skipped {row}" for row in further.skipped))
        digest = examples_digest(made.sentences, made.labels)
        contents.add(f"{run.task} {run.source} {digest}")
        parts[run.task][run.source].add(digest)
        place = run.task, f"further examples of {run.source}"
        samples[place] = (*samples.get(place, ()), *some_sentences(made.sentences))
    if not contents:
        return report
    return replace(
        report,
        further=tuple(f"{task}: {words} further examples of {source}" for (task, source), (_, words) in found.items()),
        warnings=(*report.warnings, *warnings),
        samples=samples,
        files=files,
        digest=hashlib.sha256("\n".join([report.digest, *sorted(contents)]).encode()).hexdigest(),
        parts={
            task: {**of_task} | {source: joint_digest(found) for source, found in parts[task].items()}
            for task, of_task in report.parts.items()
        },
    )


def _examples(run: SourceRun, report: DataReport) -> int:
    """Training examples of the run's task."""
    return run.config.tasks[run.task].train_size(report.sizes[run.task]["train"])


def _sample_size(run: SourceRun) -> int:
    return max(_TRIED_COPIES // run.config.augmentation[run.task].eda.copies, 1)


def _is_sampled(run: SourceRun, report: DataReport) -> bool:
    return run.source == "eda" and _sample_size(run) < _examples(run, report)


def _sampled(run: SourceRun, report: DataReport) -> RunConfig:
    """The run, with all copies of a few training examples in place of copies of all."""
    if not _is_sampled(run, report):
        return run.config
    task = run.config.tasks[run.task].model_copy(update={"train_limit": _sample_size(run)})
    copies = run.config.augmentation[run.task].eda.model_copy(update={"fraction": 1.0})
    return run.config.model_copy(
        update={
            "tasks": {**run.config.tasks, run.task: task},
            "augmentation": {**run.config.augmentation, run.task: AugmentationConfig(eda=copies)},
        }
    )


def _make(
    run: SourceRun, further: TaskAugmentation, list_faults_in: Path | None
) -> tuple[dict[str, str], AdditionalExamples]:
    """Make the examples, after :attr:`TaskAugmentation.contents`: what replaces the files meanwhile is noticed."""
    try:
        with listing_faults(list_faults_in):
            files, made = further.contents, further.make()
    except MissingAnswersError as error:
        raise StudyFileError(
            run.key,
            f"of {error.asked:,} sentences {error.unanswered:,} have not been rephrased by "
            f"'{run.config.augmentation[run.task].rephrased.model}' yet; first run python -m search.augment with the "
            "same --study, --data and --runs-dir",
        ) from None
    except UserError as error:
        raise StudyFileError(run.key, str(error)) from error
    if run.only and not len(made):
        raise StudyFileError(run.key, "gives no example that is not in train, dev or test already")
    return files, made


def _count(run: SourceRun, report: DataReport, made: AdditionalExamples) -> tuple[int, str]:
    """Return how many examples a source gives, in words too."""
    examples, words = len(made), "up to " if run.searched else ""
    if _is_sampled(run, report):
        share = run.config.augmentation[run.task].eda.fraction * _examples(run, report) / _sample_size(run)
        examples, words = round(share * examples), f"{words}about "
    return examples, f"{words}{examples:,}"
