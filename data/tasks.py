"""Describe a task: its kind, files, columns, labels and metric.

sst, para, sts and cfimdb are described in ``builtin_tasks.toml``, in the format in which users describe tasks of their
own, and are read by the same code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    StringConstraints,
    ValidationInfo,
    model_validator,
)

from data.kinds import Kind
from data.metrics import Metric, all_metrics, find_metric
from data.splitting.split_rule import DEFAULT_SHARE, SplitRule
from data.tables.columns import DEFAULT_ID
from data.tables.delimited import Quoting

__all__ = ["TAKEN_NAMES", "Columns", "Kind", "SplitFiles", "SplitName", "TaskName", "TaskSpec", "WrittenAs"]

SplitName = Literal["train", "dev", "test"]
WrittenAs = Literal["name", "index", "float"]
# Parts of a model are named after their tasks, and torch uses these names for methods that every part has.
_TORCH_WORDS = """
    add_module apply bfloat16 buffers call_super_init children clear compile cpu cuda double dump_patches eval
    extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu items keys
    load_state_dict modules mtia named_buffers named_children named_modules named_parameters parameters pop
    register_backward_hook register_buffer register_forward_hook register_forward_pre_hook
    register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook
    register_load_state_dict_pre_hook register_module register_parameter register_state_dict_post_hook
    register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory state_dict to to_empty
    train training type update values xpu zero_grad
"""
TAKEN_NAMES = frozenset(_TORCH_WORDS.split())
TaskName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


def _to_metric(value: object, info: ValidationInfo) -> Metric:
    if isinstance(value, Metric):
        return value
    if not isinstance(value, str):
        raise ValueError(f"must be the name of a metric, got {value!r}")
    return find_metric(value, info.data.get("kind"))


def _name_of(metric: Metric) -> str:
    return metric.name


NamedMetric = Annotated[Metric, PlainValidator(_to_metric), PlainSerializer(_name_of, return_type=str)]
"""A metric that files spell by its name or an alias; written back by its name."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SplitFiles(_Frozen):
    """File names of the splits, relative to the data folder; the test file may be missing.

    A file may be a split of a data set of the Hugging Face Hub, see :mod:`data.tables.hub_sets`.
    A split that :attr:`TaskSpec.split` takes out of the training file has the name of that file.
    """

    train: str
    dev: str
    test: str | None = None


class Columns(_Frozen):
    """Header names in the files: one in ``sentences``, or two for a pair.

    ``id`` None means the row number, and so does ``"id"`` if a file has no such column. Study files may insist on it
    by naming it (:attr:`names_id`); what is recorded does not tell whether it was named or left out.
    """

    id: str | None = DEFAULT_ID
    sentences: tuple[str, ...] = Field(min_length=1, max_length=2)
    label: str

    @property
    def names_id(self) -> bool:
        """Return whether an id column is named in the table that this was built from, so that no file may lack it."""
        return self.id is not None and "id" in self.model_fields_set


class TaskSpec(_Frozen):
    """One sentence task.

    Attributes:
        name: lower-case identifier, used in config paths (``loss.weights.sst``) and file names.
        kind: see :class:`Kind`.
        files: the split files.
        columns: the header names.
        classes: class names in label order (classification only, at least two). A label in a file is a class name,
            or the index of one: ``3`` and ``3.0`` both mean the fourth class.
        score_range: (lowest, highest) gold score (score tasks only).
        metric: what is reported as the task's score, and counts in the overall score.
        prediction_column: header of the predictions file.
        written_as: how a predicted class is written: its name, its index, or its index as a float.
        split: how dev, and perhaps test, are taken out of the training file; None if they have files of their own.
        quoting: "none" if ``"`` is plain text in the files. Not written where it is the default, so that descriptions
            and digests of before there was a choice stay the same.
    """

    name: TaskName
    kind: Kind
    files: SplitFiles
    columns: Columns
    classes: tuple[str, ...] = ()
    score_range: tuple[float, float] | None = None
    metric: NamedMetric
    prediction_column: str = "Prediction"
    written_as: WrittenAs = "name"
    split: SplitRule | None = Field(None, exclude_if=lambda rule: rule is None)
    quoting: Quoting = Field("minimal", exclude_if=lambda quoting: quoting == "minimal")

    @model_validator(mode="before")
    @classmethod
    def _take_from_train(cls, fields: Any) -> Any:
        """Name the training file as that of each split that is taken out of it: dev, if it has no file, and test."""
        match fields:
            case {"files": {"train": str(train)} as files} if isinstance(rule := fields.get("split", {}), Mapping):
                takes_test = bool(rule.get("test", rule.get("column")))
                taken = {"dev": train} | ({"test": train} if takes_test else {})
                named = {split: name for split, name in files.items() if name is not None}
                if "split" in fields or "dev" not in named:
                    return {**fields, "files": {**taken, **named}, "split": dict(rule)}
        return fields

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.name in TAKEN_NAMES:
            raise ValueError(f"a task cannot be called '{self.name}', which torch uses; try '{self.name}_task'")
        expected = 2 if self.kind.is_pair else 1
        if len(self.columns.sentences) != expected:
            raise ValueError(
                f"a task of kind '{self.kind}' reads {expected} sentence column(s), "
                f"got columns.sentences = {list(self.columns.sentences)}"
            )
        if self.kind.is_score:
            self._check_score()
        else:
            self._check_classes()
        self._check_metric()
        self._check_split()
        return self

    @property
    def taken(self) -> tuple[SplitName, ...]:
        """Return the splits that are taken out of the training file."""
        if self.split is None:
            return ()
        splits: tuple[SplitName, ...] = ("dev", "test")
        return tuple(name for name in splits if getattr(self.files, name) == self.files.train)

    @property
    def shares(self) -> dict[str, float]:
        """Return the shares of the training file that splits are given; empty if a column names the splits."""
        if self.split is None or self.split.column is not None:
            return {}
        shares = {"dev": self.split.dev or DEFAULT_SHARE, "test": self.split.test}
        return {name: shares[name] for name in self.taken if name != "dev" or self.folds is None}

    @property
    def folds(self) -> int | None:
        """Return how many folds the training file is divided into; None if dev has rows of its own."""
        return None if self.split is None else self.split.folds

    def with_folds(self, folds: int) -> TaskSpec:
        """Return the task with its rows in folds: train and dev are then the same rows, each dev in one fold.

        Raises:
            ValueError: if rows of dev are given already.
        """
        rule = self.split
        if rule is None or "dev" not in self.taken:
            raise ValueError(
                f"task '{self.name}' has a dev file ({self.files.dev}), but folds take dev out of the training file; "
                "add its rows to the training file and remove it, or remove folds"
            )
        try:
            checked = SplitRule.model_validate({**rule.model_dump(), "folds": folds})
        except ValueError:
            key = "dev" if rule.column is None else "column"
            raise ValueError(
                f"task '{self.name}' has split.{key}, which says which rows are dev, but in folds every row is dev "
                "once; remove one of them"
            ) from None
        return self.model_copy(update={"split": checked})

    def _check_split(self) -> None:
        if self.split is None:
            return
        for name in ("dev", "test"):
            if getattr(self.split, name) and name not in self.taken:
                raise ValueError(f"split.{name} and files.{name} are both given; remove one of them")
        if self.split.folds is not None and "dev" not in self.taken:
            raise ValueError("split.folds and files.dev are both given; remove one of them")
        if not self.taken:
            raise ValueError("split has nothing to do, because all files are given; remove it")

    def _check_score(self) -> None:
        if self.classes:
            raise ValueError(f"a task of kind '{self.kind}' has no classes; give score_range = [low, high]")
        if self.score_range is None:
            raise ValueError(f"a task of kind '{self.kind}' needs score_range = [low, high]")
        if not self.score_range[0] < self.score_range[1]:
            raise ValueError(f"score_range must be [low, high] with low < high, got {self.score_range}")

    def _check_classes(self) -> None:
        if self.score_range is not None:
            raise ValueError(f"a task of kind '{self.kind}' has no score_range; give classes = [...]")
        if not self.classes:
            raise ValueError(f"a task of kind '{self.kind}' needs classes = [...], at least two names")
        if len(self.classes) < 2 or len(set(self.classes)) != len(self.classes):
            raise ValueError(f"classes must name at least two different classes, got {list(self.classes)}")

    def _check_metric(self) -> None:
        if self.kind not in self.metric.kinds:
            suitable = ", ".join(metric.name for metric in all_metrics() if self.kind in metric.kinds)
            raise ValueError(
                f"metric '{self.metric}' does not suit a task of kind '{self.kind}'; choose from {suitable}"
            )
        if lack := self.metric.requirement(self):
            raise ValueError(f"metric '{self.metric}' does not suit this task: {lack}")
