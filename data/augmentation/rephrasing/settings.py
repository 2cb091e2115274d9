"""Configure how a language model rewrites training examples."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from data.augmentation.rephrasing.prompts import Operation

__all__ = ["RephrasingSettings"]

Weight = Annotated[float, Field(gt=0.0)]


class RephrasingSettings(BaseModel):
    """Everything that the new examples depend on, except the model's answers.

    Attributes:
        model: the model's name at the endpoint.
        operations: weights of the operations; one is drawn for each example with probability in proportion to them.
        temperature: lowest and highest sampling temperature; drawn uniformly between them for each request.
        seed: seed of all draws, including the model's sampling seed of each request.
        tries: maximum attempts per sentence; after a rejected answer, the next one has another seed and temperature.
        language: language of the sentences, as named in the prompts.
        pivot: pivot language of back-translation.
        shortest: minimum words of a new sentence, as a share of the original's.
        longest: maximum words, as a multiple of the original's, plus two.
        answer_tokens: maximum tokens of an answer; a reasoning model that thinks aloud first needs many more.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    model: str = Field(min_length=1)
    operations: dict[Operation, Weight] = Field({"synonyms": 1.0}, min_length=1)
    temperature: tuple[float, float] = (0.55, 0.85)
    seed: int = Field(0, ge=0, lt=2**32)
    tries: int = Field(3, ge=1)
    language: str = Field("English", min_length=1)
    pivot: str = Field("German", min_length=1)
    shortest: float = Field(0.5, ge=0.0, le=1.0)
    longest: float = Field(2.0, ge=1.0)
    answer_tokens: int = Field(512, ge=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        low, high = self.temperature
        if not 0.0 <= low <= high <= 2.0:
            raise ValueError(f"temperature must be [low, high] with 0 <= low <= high <= 2, got [{low:g}, {high:g}]")
        return self
