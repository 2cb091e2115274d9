"""Name the place in the study file for mistakes that are found after it was read."""

from __future__ import annotations

from data.errors import UserError
from search.parsing.errors import StudyFileError
from search.parsing.toml_lines import error_in_file
from search.space.feasibility import TriedRun
from search.study.spec import StudySpec

__all__ = ["error_in_study", "impossible_run_error"]


def error_in_study(error: StudyFileError, spec: StudySpec) -> UserError:
    """Return the error with the file and the line of its key, if the study file still exists."""
    text = spec.source.read_text(encoding="utf-8-sig") if spec.source.is_file() else ""
    return error_in_file(error, spec.source, text)


def impossible_run_error(spec: StudySpec, run: TriedRun, reason: str) -> UserError:
    """Return the error to raise if data, a file or the encoder makes one of the study's runs impossible.

    Args:
        spec: the study.
        run: one of :func:`search.space.feasibility.try_space`, or the base, which has no key.
        reason: why it is impossible, with the setting.
    """
    if not run.key:
        return UserError(reason)
    return error_in_study(run.refuse(reason), spec)
