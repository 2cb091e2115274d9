"""Read the runs of a study file: a search around a base, or a comparison of variants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from core.config import RunConfig
from search.parsing.errors import StudyFileError
from search.parsing.mistakes import Mistakes
from search.space.parsing import parse_space, read_space
from search.space.requirements import without_unmet_needs
from search.space.space import Space
from search.study.document import StudyDocument
from search.study.first_trials import FirstTrial, default_trial, given_trials
from search.study.tables import Tables
from search.study.variant_study import parse_variants

__all__ = ["StudyRuns", "comparison_runs", "search_runs"]


@dataclass(frozen=True)
class StudyRuns:
    """The runs that a study tries.

    Attributes:
        base: the run that it starts from.
        space: around it.
        first: trials to begin with.
        notes: what of the file is left out, and why.
        lengths: as of :class:`search.study.spec.StudySpec`.
        in_passes: whether the length of a run is in passes, so that it depends on the sizes of the training sets.
        is_sound: whether the base is that of the file; False if settings or tasks with mistakes are left out of it.
        is_complete: whether the space is, too.
    """

    base: RunConfig
    space: Space
    first: tuple[FirstTrial, ...] = ()
    notes: tuple[str, ...] = ()
    lengths: Mapping[str, str] = field(default_factory=dict)
    in_passes: bool = False
    is_sound: bool = True
    is_complete: bool = True


def search_runs(
    document: StudyDocument, tables: Tables, mistakes: Mistakes, *, has_tasks: bool, answers_dir: Path | None
) -> StudyRuns:
    """Read ``[base]``, ``[space]`` and ``[first]``.

    Args:
        mistakes: gets those of these tables.
        has_tasks: whether the study's tasks are all known; False if some have mistakes.
        answers_dir: as of :func:`search.study.file.load_study`.
    """
    if document.seeds is not None:
        mistakes.note(StudyFileError(("seeds",), 'is for [variants]; in a search, add "seed" = [...] to [space]'))
    base, words = tables.base(document.preset, mistakes, is_part=not has_tasks)
    is_sound = has_tasks and not mistakes.under("base", "override", "preset")
    if document.space is None:
        if not mistakes.under("space"):
            missing = "is missing; add [space] to search, or [variants.NAME] to compare"
            mistakes.note(StudyFileError(("space",), missing))
        return StudyRuns(base, Space(()), is_sound=is_sound, is_complete=False)
    table, unmet = mistakes.attempt(
        partial(without_unmet_needs, document.space, base, answers_dir), (dict(document.space), ())
    )
    space = mistakes.attempt(partial(parse_space if is_sound else read_space, table, base), None)
    if space is None or not is_sound:
        return StudyRuns(base, space or Space(()), is_sound=is_sound, is_complete=False)
    first, notes, in_passes = default_trial(space, base), unmet, bool(words)
    named = document.first if isinstance(document.first, dict) else {name: {"preset": name} for name in document.first}
    for name, settings in named.items():
        read = partial(given_trials, {name: settings}, tables, space, base)
        given, left_out, has_passes = mistakes.attempt(read, ((), (), False))
        first, notes, in_passes = (*first, *given), (*notes, *left_out), in_passes or has_passes
    return StudyRuns(base, space, first, notes, {"": words} if words else {}, in_passes)


def comparison_runs(document: StudyDocument, tables: Tables, mistakes: Mistakes, *, has_tasks: bool) -> StudyRuns:
    """Read ``[base]`` and ``[variants]``.

    Args:
        mistakes: gets those of these tables.
        has_tasks: whether the study's tasks are all known; False if some have mistakes.
    """
    assert document.variants is not None
    for key, unwanted in (("space", document.space), ("sampler", document.sampler), ("preset", document.preset)):
        if unwanted is not None:
            what = "cannot be combined with [variants]: each of them is tried, with every seed"
            mistakes.note(StudyFileError((key,), what))
    if document.first:
        what = "cannot be combined with [variants]: they are tried in their order"
        mistakes.note(StudyFileError(("first",), what))
    # Variants have these settings in common; by themselves, they need not be a run.
    base, _ = tables.base(None, mistakes, is_part=True)
    if has_tasks and not mistakes.under("base", "override"):
        read = partial(parse_variants, document.variants, document.seeds, tables)
        if (found := mistakes.attempt(read, None)) is not None:
            base, space, first, lengths = found
            return StudyRuns(base, space, first, lengths=lengths, in_passes=bool(lengths))
    else:
        for name, table in document.variants.items():
            tables.check_named(table, ("variants", name), mistakes)
    return StudyRuns(base, Space(()), is_sound=False, is_complete=False)
