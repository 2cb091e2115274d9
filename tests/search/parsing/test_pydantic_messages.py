"""What is wrong with a value, in words that follow its key."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from search.parsing.errors import StudyFileError
from search.parsing.pydantic_messages import explain, named_setting, validated, without_setting

KEY = ("pruner",)


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    rate: float = 0.5


class Example(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    count: int = Field(3, ge=1, le=8)
    share: float = Field(0.5, gt=0, lt=1)
    switch: bool = False
    word: str = "a"
    names: list[str] = []
    way: Literal["fast", "slow"] = "fast"
    inner: Inner = Inner()
    secret: SecretStr = Field(SecretStr("x"), alias="api-key")

    @field_validator("word")
    @classmethod
    def _one_word(cls, value: str) -> str:
        if " " in value:
            raise ValueError("must be one word")
        return value


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"count": 0}, "pruner.count: must be at least 1, got 0"),
        ({"count": 9}, "pruner.count: must be at most 8, got 9"),
        ({"share": 0.0}, "pruner.share: must be above 0, got 0"),
        ({"share": 1.0}, "pruner.share: must be below 1, got 1"),
        ({"count": 2.5}, "pruner.count: must be a whole number, got 2.5"),
        ({"count": "2"}, "pruner.count: must be a whole number, got '2'"),
        ({"share": "2"}, "pruner.share: must be a number, got '2'"),
        ({"share": float("nan")}, "pruner.share: must be a finite number, got nan"),
        ({"switch": 1}, "pruner.switch: must be true or false, got 1"),
        ({"word": 1}, "pruner.word: must be a text, got 1"),
        ({"word": "two words"}, "pruner.word: must be one word"),
        ({"names": "a"}, "pruner.names: must be a list, got 'a'"),
        ({"names": ["a", 2]}, "pruner.names.1: must be a text, got 2"),
        ({"way": "fsat"}, "pruner.way: must be one of 'fast' or 'slow', got 'fsat'"),
        ({"inner": 3}, "pruner.inner: must be a table, got 3"),
        ({"inner": {"rate": True}}, "pruner.inner.rate: must be a number, got True"),
        ({"cuont": 3}, "pruner.cuont: unknown key; did you mean 'count'?"),
        ({"api-kee": "x"}, "pruner.api-kee: unknown key; did you mean 'api-key'?"),
        (
            {"nothing_like_it": 3},
            "pruner.nothing_like_it: unknown key; known: count, share, switch, word, names, way, inner, api-key",
        ),
    ],
)
def test_messages(table: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyFileError) as caught:
        validated(Example, table, KEY)
    assert str(caught.value) == message


def test_a_valid_table() -> None:
    found = validated(Example, {"count": 4, "api-key": "hidden"}, KEY)
    assert (found.count, found.secret.get_secret_value()) == (4, "hidden")


def test_pydantic_s_own_error_is_not_a_cause() -> None:
    """It quotes the whole table, which may contain a secret."""
    with pytest.raises(StudyFileError) as caught:
        validated(Example, {"api-key": "hidden", "count": 0}, KEY)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_a_missing_key_and_other_problems() -> None:
    class Needy(BaseModel):
        name: str
        code: str = Field("ab", max_length=2)

    with pytest.raises(ValidationError) as caught:
        Needy.model_validate({"code": "abc"})
    missing, too_long = caught.value.errors()
    assert explain(missing) == "is missing"
    assert explain(too_long) == "String should have at most 2 characters, got 'abc'"


def test_the_setting_that_a_message_begins_with() -> None:
    paths = ["eval.rungs", "swa.start", "optim.ema"]
    assert named_setting("eval.rungs must rise", paths) == "eval.rungs"
    assert named_setting("swa: not together with optim.ema", paths) == "swa"
    assert named_setting("two settings disagree", paths) is None
    assert named_setting("eval.rung must rise", paths) is None


def test_a_message_without_its_setting() -> None:
    assert without_setting("eval.rungs must rise", "eval.rungs") == "must rise"
    assert without_setting("eval.rungs: 5 of them", "eval.rungs") == "5 of them"
    assert without_setting("optim.ema = 2 is too large", "optim.ema") == "2 is too large"
    both = "swa.start and optim.ema both average weights"
    assert without_setting(both, "swa.start") == both
    assert without_setting("evalXrungs must rise", "eval.rungs") == "evalXrungs must rise"
