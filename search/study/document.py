"""Check the keys of a study file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from search.parsing.errors import StudyFileError
from search.parsing.mistakes import Mistakes
from search.parsing.pydantic_messages import validated

__all__ = ["StudyDocument"]

_UNIONS = {  # for which pydantic has a problem per member
    ("tasks",): "must be a list of names, or tables [tasks.NAME]",
    ("first",): "must be a list of presets, or tables [first.NAME]",
}


class StudyDocument(BaseModel):
    """The keys of a study file. The modules that read a table check what it contains."""

    model_config = ConfigDict(extra="forbid", strict=True)

    description: str = ""
    tasks: list[str] | dict[str, Any]
    task_files: list[str] = []
    folds: int | None = Field(None, ge=2, le=100)
    trials: int | None = Field(None, ge=1)
    seed: int = Field(0, ge=0, lt=2**32)
    workers: int = Field(1, ge=1, le=1024)
    gpus: Any = None
    workers_per_gpu: int = Field(1, ge=1, le=64)
    keep_models: int = Field(3, ge=1)
    sampler: Any = None
    pruner: Any = None
    floors: dict[str, Any] = {}
    stop: dict[str, Any] | None = None
    preset: str | None = None
    base: dict[str, Any] = {}
    override: dict[str, Any] = {}
    space: dict[str, Any] | None = None
    variants: dict[str, dict[str, Any]] | None = None
    seeds: list[Annotated[int, Field(ge=0, lt=2**32)]] | None = None
    first: list[str] | dict[str, dict[str, Any]] = []
    synthetic: dict[str, Any] | None = None
    endpoint: dict[str, Any] | None = None

    @classmethod
    def parse(cls, raw: Mapping[str, Any], mistakes: Mistakes) -> Self:
        """Check the keys and the types of their values.

        Args:
            mistakes: gets those at the top of the file.

        Returns:
            What is right, with the defaults of the rest.

        Raises:
            UserError: all mistakes, if the tasks are missing or wrong: nothing else can be checked without them.
        """
        try:
            return validated(cls, raw, ())
        except StudyFileError as error:
            every = [one for one in error.every if isinstance(one, StudyFileError)]
        for one in every:
            key, what = one.key[:1], one.what
            if key in _UNIONS and what != "is missing":
                mistakes.note(StudyFileError(key, _UNIONS[key]))
            else:
                mistakes.note(one)
        wrong = {one.key[0] for one in every}
        if "tasks" in wrong:
            raise mistakes.as_error()
        return cls.model_validate({name: value for name, value in raw.items() if name not in wrong})
