"""What a study file's tables make: the base, the space, first trials, and what remains where there are mistakes."""

from __future__ import annotations

from typing import Any

import pytest

from data.errors import UserError
from data.task_files import builtin_tasks
from search.parsing.mistakes import Mistakes
from search.study.document import StudyDocument
from search.study.runs import StudyRuns, comparison_runs, search_runs
from search.study.tables import Tables

TASKS = {"sst": builtin_tasks()["sst"]}
SPACE = {"optim.learning_rate": {"low": 1e-5, "high": 1e-3, "log": True}}


def read(mistakes: Mistakes, *, has_tasks: bool = True, **keys: Any) -> StudyRuns:
    document = StudyDocument.parse({"tasks": ["sst"], **keys}, mistakes)
    tables = Tables(TASKS, document.base, document.override, {}, {})
    if document.variants is not None:
        return comparison_runs(document, tables, mistakes, has_tasks=has_tasks)
    return search_runs(document, tables, mistakes, has_tasks=has_tasks, answers_dir=None)


def lines(mistakes: Mistakes) -> list[str]:
    with pytest.raises(UserError) as found:
        mistakes.raise_any()
    return str(found.value).splitlines()


def test_a_search_begins_with_its_default_and_what_is_named_first() -> None:
    mistakes = Mistakes()
    runs = read(
        mistakes,
        base={"optim": {"learning_rate": 1e-4}},
        space=SPACE,
        first={"slow": {"optim": {"learning_rate": 2e-5}}},
    )
    assert len(mistakes) == 0
    assert (runs.is_sound, runs.is_complete) == (True, True)
    assert runs.base.optim.learning_rate == 1e-4
    assert [dimension.path for dimension in runs.space.dimensions] == ["optim.learning_rate"]
    assert [one.params for one in runs.first] == [{"optim.learning_rate": 1e-4}, {"optim.learning_rate": 2e-5}]
    assert runs.notes == ()


PASSES = {"budget": {"passes": 2}}


@pytest.mark.parametrize(
    ("tables", "named"),
    [
        ({"space": SPACE}, None),
        ({"space": SPACE, "base": PASSES}, [""]),
        ({"space": SPACE, "first": {"long": PASSES}}, []),
        ({"variants": {"short": {}, "long": PASSES}}, ["long"]),
        ({"variants": {"short": {"budget": {"examples": 70}}, "long": {}}, "base": PASSES}, ["long"]),
        ({"variants": {"short": {}, "long": {"budget": {"examples": 70}}}}, None),
    ],
)
def test_runs_know_which_lengths_are_in_passes(tables: dict[str, Any], named: list[str] | None) -> None:
    """The length of a first trial is that of the base, or the trial is left out: it has no words of its own."""
    mistakes = Mistakes()
    runs = read(mistakes, **tables)
    assert len(mistakes) == 0
    assert (runs.in_passes, list(runs.lengths)) == (named is not None, named or [])
    assert all(words.startswith("2 passes over the joint training set of ") for words in runs.lengths.values())


def test_a_search_needs_a_space_and_no_seeds() -> None:
    mistakes = Mistakes()
    runs = read(mistakes, seeds=[0, 1])
    assert (runs.is_sound, runs.is_complete, runs.first) == (True, False, ())
    text = "\n".join(lines(mistakes))
    assert 'seeds: is for [variants]; in a search, add "seed" = [...] to [space]' in text
    assert "space: is missing; add [space] to search, or [variants.NAME] to compare" in text


def test_a_mistake_in_the_base_does_not_hide_those_in_the_space() -> None:
    mistakes = Mistakes()
    runs = read(mistakes, base={"optim": {"learning_rate": 2.0}}, space={"optim.wrong": [1, 2]})
    assert (runs.is_sound, runs.is_complete) == (False, False)
    text = "\n".join(lines(mistakes))
    assert "base.optim.learning_rate: must be at most 1, got 2" in text
    assert "optim.wrong" in text


def test_tasks_with_mistakes_leave_a_base_that_is_not_sound() -> None:
    mistakes = Mistakes()
    runs = read(mistakes, space=SPACE, has_tasks=False)
    assert len(mistakes) == 0
    assert (runs.is_sound, runs.is_complete, runs.first) == (False, False, ())


def test_variants_are_compared_with_every_seed() -> None:
    mistakes = Mistakes()
    variants = {"plain": {}, "deep": {"heads": {"sst": {"layers": 2}}}}
    runs = read(mistakes, variants=variants, seeds=[3, 4])
    assert len(mistakes) == 0
    assert (runs.is_sound, runs.is_complete) == (True, True)
    assert [dimension.path for dimension in runs.space.dimensions] == ["variant", "seed"]
    assert [(one.params["variant"], one.params["seed"]) for one in runs.first] == [
        ("plain", 3),
        ("deep", 3),
        ("plain", 4),
        ("deep", 4),
    ]


def test_what_does_not_go_with_variants() -> None:
    mistakes = Mistakes()
    read(
        mistakes, variants={"a": {}, "b": {"seed": 1}}, space=SPACE, sampler="tpe", preset="cooking", first=["cooking"]
    )
    found = lines(mistakes)
    for key in ("space", "sampler", "preset"):
        assert any(f"{key}: cannot be combined with [variants]: each of them is tried" in line for line in found)
    assert any("first: cannot be combined with [variants]: they are tried in their order" in line for line in found)


def test_variants_are_checked_where_the_base_has_mistakes() -> None:
    mistakes = Mistakes()
    variants = {"a": {"optim": {"learning_rate": 3.0}}, "b": {}}
    runs = read(mistakes, base={"optim": {"clip_norm": -1.0}}, variants=variants)
    assert (runs.is_sound, runs.is_complete) == (False, False)
    text = "\n".join(lines(mistakes))
    assert "base.optim.clip_norm" in text
    assert "variants.a.optim.learning_rate: must be at most 1, got 3" in text
