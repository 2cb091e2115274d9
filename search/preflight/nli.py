"""Check the NLI files of further pretraining before a study starts."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from core.config.pretraining import NliFileConfig
from core.inputs.data_content import nli_contents
from core.inputs.nli_file import known_sentences, new_pairs, read_nli_file
from data.errors import UserError
from data.files import read_bytes
from data.reading import RawSplit
from search.preflight.data import DataReport, some_sentences
from search.preflight.data_parts import joint_digest
from search.space.feasibility import TriedRun, try_space
from search.space.variants import VARIANT
from search.study.spec import StudySpec

__all__ = ["check_nli_files"]


def check_nli_files(spec: StudySpec, report: DataReport) -> DataReport:
    """Read the NLI files that the base's stages, and those of runs of :func:`try_space`, are trained on.

    Returns:
        The report with the rows left out of them, and with the files in its digest.

    Raises:
        UserError: a file is missing, has wrong columns or labels, or no pair that the tasks do not know. For one that
            only the space asks for, with the key in the study file.
    """
    directory = Path(spec.base.data.directory)
    known = cache(lambda: known_sentences(directory, [task.spec for task in spec.base.tasks.values()]))
    checked: dict[NliFileConfig, RawSplit] = {}
    parts: dict[str, set[str]] = {}
    samples, files = dict(report.samples), dict(report.files)
    for run in _runs(spec):
        file = run.config.pretraining.nli_file
        if file in checked or not run.config.pretraining.reads_nli_file:
            continue
        try:
            files.update(nli_contents(run.config))  # before the rows: what replaces them meanwhile is noticed
            checked[file] = read_nli_file(file, directory)
            kept = new_pairs(checked[file], known() if file.leave_out_known else frozenset())
            assert file.path is not None, "checked by the config"
            pairs = checked[file].subset(np.array(kept))
            parts.setdefault(file.path, set()).add(pairs.digest)
            samples["pretraining.nli_file", file.path] = some_sentences(pairs.sentences)
        except UserError as error:
            raise spec.impossible_run_error(run, str(error)) from error
    if not checked:
        return report
    digest = hashlib.sha256(report.digest.encode())
    for path in sorted({raw.path for raw in checked.values()}):
        digest.update(hashlib.sha256(read_bytes(path)).digest())
    skipped = dict.fromkeys(f"skipped {row}" for raw in checked.values() for row in raw.skipped)
    return replace(
        report,
        warnings=(*report.warnings, *skipped),
        samples=samples,
        files=files,
        digest=digest.hexdigest(),
        parts={**report.parts, "pretraining.nli_file": {path: joint_digest(found) for path, found in parts.items()}},
    )


def _runs(spec: StudySpec) -> list[TriedRun]:
    """Return the base and, if the space searches stages of pretraining, runs of :func:`try_space`."""
    base = TriedRun((), spec.base)
    searched = any(path == VARIANT or path.startswith("pretraining.") for path in spec.space.paths)
    return [base, *try_space(spec.space, spec.base)] if searched else [base]
