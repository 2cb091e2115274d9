"""Read ``[tasks.NAME]`` tables, which describe tasks with the fields of :class:`data.tasks.TaskSpec`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from data.metrics import find_metric
from data.splitting.split_rule import SplitRule
from data.tasks import Columns, Kind, SplitFiles, TaskSpec, WrittenAs
from search.parsing.errors import StudyFileError, name_hint
from search.parsing.mistakes import Mistakes
from search.parsing.pydantic_messages import explain

__all__ = ["NO_ID", "parse_tasks", "stand_in"]

NO_ID = "none"
"""How a study file says that rows are numbered, even if a file has a column of ids."""

_FIELDS: dict[tuple[str, ...], type[BaseModel]] = {
    (): TaskSpec,
    ("files",): SplitFiles,
    ("columns",): Columns,
    ("split",): SplitRule,
}
_CHOICES: dict[tuple[str, ...], list[str]] = {
    ("kind",): [str(kind) for kind in Kind],
    ("written_as",): list(get_args(WrittenAs)),
}
# Words of other tools and of the field, by what a study file calls it.
_KINDS = {
    "classify": "classification classifier text-classification sequence-classification single-sentence-classification "
    "single-label-classification multiclass multi-class-classification binary binary-classification sentiment "
    "sentiment-analysis sentiment-classification topic-classification acceptability class label single",
    "classify-pair": "pair-classification sentence-pair-classification text-pair-classification pair sentence-pair "
    "paraphrase paraphrase-detection paraphrase-identification duplicate duplicates duplicate-detection nli rte "
    "natural-language-inference inference entailment textual-entailment mrpc qqp paws",
    "score": "regression text-regression single-regression rating number float continuous",
    "score-pair": "pair-regression pair-score regression-pair sentence-pair-regression similarity sts stsb sts-b "
    "text-similarity sentence-similarity semantic-similarity semantic-textual-similarity relatedness",
}
_KEYS: dict[tuple[str, ...], dict[str, str]] = {
    (): {
        "kind": "type task task_type problem_type",
        "classes": "labels label_names class_names categories",
        "columns": "fields features",
        "files": "data splits paths",
        "metric": "metrics eval_metric score measure",
        "score_range": "range scale",
    },
    ("files",): {"train": "training", "dev": "valid validation val development eval", "test": "testing"},
    ("columns",): {
        "sentences": "text texts sentence input inputs text_a sentence1",
        "label": "labels target gold score class y",
        "id": "ids index key",
    },
}


def parse_tasks(tables: Mapping[str, object], mistakes: Mistakes) -> dict[str, TaskSpec]:
    """Build the tasks of a ``[tasks]`` table.

    Args:
        tables: the fields of each task by its name.
        mistakes: gets those in the tables, under ``tasks``.

    Returns:
        The tasks without mistakes.
    """
    tasks: dict[str, TaskSpec] = {}
    for name, fields in tables.items():
        key = ("tasks", name)
        if not isinstance(fields, Mapping):
            mistakes.note(StudyFileError(key, f"must be a table, got {fields!r}"))
        elif "name" in fields:
            mistakes.note(StudyFileError((*key, "name"), "remove it, the task's name is that of its table"))
        else:
            try:
                spec = TaskSpec.model_validate({"name": name, **fields, **_numbered(fields)})
                if spec.columns.label in spec.columns.sentences:
                    what = f"has the label '{spec.columns.label}', which would be predicted from itself"
                    mistakes.note(StudyFileError((*key, "columns", "sentences"), what))
                tasks[name] = spec
            except ValidationError as error:
                found = [_mistake(key, problem) for problem in error.errors()]
                for one in found:
                    # A key that is missing under its own name, and there under another, is one mistake.
                    meant = f"; did you mean '{one.key[-1]}'?"
                    if not (one.what == "is missing" and any(meant in another.what for another in found)):
                        mistakes.note(one)
    return tasks


def _numbered(fields: Mapping[str, object]) -> dict[str, object]:
    """Return the columns of a task with ``id = "none"``, which TOML has no value for; nothing for other tasks."""
    columns = fields.get("columns")
    if isinstance(columns, Mapping) and columns.get("id") == NO_ID:
        return {"columns": {**columns, "id": None}}
    return {}


def stand_in(name: str) -> TaskSpec:
    """Return a task of this name, so that the rest of a study file can be checked although its own has a mistake."""
    return TaskSpec.model_construct(
        name=name,
        kind=Kind.CLASSIFY,
        files=SplitFiles(train="train.csv", dev="dev.csv"),
        columns=Columns(sentences=("text",), label="label"),
        classes=("no", "yes"),
        metric=find_metric("accuracy"),
    )


def _mistake(key: tuple[str, ...], problem: ErrorDetails) -> StudyFileError:
    where, value = tuple(str(part) for part in problem["loc"]), problem["input"]
    if where == ("name",):
        rule = "a task's name has only lower-case letters, digits and underscores, and starts with a letter"
        return StudyFileError(key, rule)
    what = explain(problem)
    if problem["type"] == "extra_forbidden":
        known = [name for name in _FIELDS[where[:-1]].model_fields if name != "name"]
        hint = _meant(where[-1], _KEYS[where[:-1]], known) or "."
        what = f"unknown key{hint} Known: {', '.join(known)}"
    elif where in _CHOICES:
        choices = _CHOICES[where]
        usual = _KINDS if where == ("kind",) else {}
        if problem["type"] == "missing":
            what = f"is missing; choose from {', '.join(choices)}"
        else:
            what = f"must be one of {', '.join(choices)}, got {value!r}{_meant(str(value), usual, choices)}"
    return StudyFileError((*key, *where), what)


def _meant(word: str, usual: Mapping[str, str], known: list[str]) -> str:
    """Suggest what ``word`` is called here, or the known word nearest to it."""
    spelling = word.strip().lower()
    for name, others in usual.items():
        if {spelling, spelling.replace("_", "-").replace(" ", "-")} & set(others.split()):
            return f"; did you mean '{name}'?"
    return name_hint(word, known)
