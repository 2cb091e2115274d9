"""Parts chosen by name, with options, or by the path of a class."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from fractions import Fraction
from numbers import Number, Rational
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.parsing.errors import StudyFileError
from search.parsing.named_choice import NamedChoice, Options, build

KEY = ("sampler",)


class Power(Options):
    exponent: int = 2


KNOWN: Mapping[str, Any] = {"power": (Power, lambda options, base: base**options.exponent), "zero": (Options, int)}
OPTIONS = st.dictionaries(st.text("abc", min_size=1).filter(lambda name: name != "name"), st.integers() | st.text())


@given(st.text(), OPTIONS)
def test_a_choice_is_read_back_from_its_json(name: str, given: dict[str, Any]) -> None:
    choice = NamedChoice(name, given)
    assert NamedChoice.parse(choice.to_json(), KEY) == choice


def test_a_name_alone_or_a_table() -> None:
    assert NamedChoice.parse("tpe", KEY) == NamedChoice("tpe") == NamedChoice.parse({"name": "tpe"}, KEY)
    assert NamedChoice.parse({"name": "tpe", "seed": 3}, KEY) == NamedChoice("tpe", {"seed": 3})


@pytest.mark.parametrize("raw", [3, ["tpe"], {"seed": 3}, {"name": 3}, None])
def test_neither_a_name_nor_a_table_with_one(raw: object) -> None:
    with pytest.raises(StudyFileError) as caught:
        NamedChoice.parse(raw, KEY)
    assert str(caught.value) == f'sampler: must be a name, or a table {{ name = "...", ... }}, got {raw!r}'


def test_description() -> None:
    assert NamedChoice("tpe").describe() == "tpe"
    assert (
        NamedChoice("tpe", {"n": 5, "group": True, "rate": 1e-5}).describe()
        == "tpe (n = 5, group = true, rate = 1e-05)"
    )


def test_a_known_part_gets_its_options_and_the_arguments() -> None:
    assert build(NamedChoice("power"), KNOWN, int, KEY, 3) == 9
    assert build(NamedChoice("power", {"exponent": 3}), KNOWN, int, KEY, 3, unused=7) == 27


def test_an_imported_class_gets_the_extra_arguments_that_it_takes() -> None:
    choice = NamedChoice("fractions:Fraction", {"numerator": 3})
    assert build(choice, KNOWN, Number, KEY, denominator=4, unused=7) == Fraction(3, 4)
    own = NamedChoice("fractions:Fraction", {"numerator": 3, "denominator": 5})
    assert build(own, KNOWN, Number, KEY, denominator=4) == Fraction(3, 5)  # an option wins


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (
            NamedChoice("powr"),
            "sampler: unknown name 'powr'; did you mean 'power'? Known: power, zero, or 'package.module:Class'",
        ),
        (NamedChoice("xyzzy"), "sampler: unknown name 'xyzzy'. Known: power, zero, or 'package.module:Class'"),
        (NamedChoice("power", {"exponnt": 3}), "sampler.exponnt: unknown key; did you mean 'exponent'?"),
        (NamedChoice("power", {"exponent": 2.5}), "sampler.exponent: must be a whole number, got 2.5"),
        (NamedChoice("zero", {"a": 3}), "sampler.a: unknown key; known: none"),
        (
            NamedChoice("no_module:A"),
            "sampler: cannot import 'no_module:A': No module named 'no_module'",
        ),
        (NamedChoice(":A"), "sampler: cannot import ':A': Empty module name"),
        (NamedChoice("json:dumps"), "sampler: 'json:dumps' is not a class derived from numbers.Rational"),
        (NamedChoice("builtins:str"), "sampler: 'builtins:str' is not a class derived from numbers.Rational"),
        (
            NamedChoice("fractions:Fraction", {"numerator": "x"}),
            "sampler: 'fractions:Fraction' does not accept its options: Invalid literal for Fraction: 'x'",
        ),
    ],
)
def test_mistakes(choice: NamedChoice, message: str) -> None:
    with pytest.raises(StudyFileError) as caught:
        build(choice, KNOWN, Rational, KEY, 3)
    assert str(caught.value) == message


def test_a_class_that_does_not_take_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("own_parts")
    vars(module)["Own"] = type("Own", (int,), {"__new__": lambda cls: int.__new__(cls, 5)})
    monkeypatch.setitem(sys.modules, "own_parts", module)
    assert build(NamedChoice("own_parts:Own"), KNOWN, int, KEY) == 5
    with pytest.raises(StudyFileError, match=r"sampler: 'own_parts:Own' does not accept its options: .*'rate'"):
        build(NamedChoice("own_parts:Own", {"rate": 2}), KNOWN, int, KEY)
