"""Parts chosen by name, with options, or by the path of a class, whatever its code does."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from fractions import Fraction
from numbers import Number, Rational
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import MachineError, UserError
from search.parsing.errors import StudyFileError
from search.parsing.named_choice import NamedChoice, Options, build, reported_as_users

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
        (NamedChoice(":A"), "sampler: ':A' must be a known name or 'package.module:Class'"),
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


def refusal(do: Callable[[], object]) -> str:
    with pytest.raises(StudyFileError) as caught:
        do()
    return str(caught.value)


@pytest.mark.parametrize("name", [".:x", ":x", "a:", "a.:X", "a..b:X", "a b:X", "1:X", "a:X.Y", "a:X:Y"])
def test_what_cannot_be_a_name(name: str) -> None:
    for do in (lambda: NamedChoice(name).find_own_class(("s",)), lambda: build(NamedChoice(name), {}, object, ("s",))):
        assert refusal(do) == f"s: '{name}' must be a known name or 'package.module:Class'"


def test_looking_runs_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "loud").mkdir()
    for file in ("loud/__init__.py", "loud/inner.py"):
        (tmp_path / file).write_text("raise SystemExit(7)\n")
    for found in ("loud:X", "loud.inner:X", "sys:X", "json.decoder:X"):
        NamedChoice(found).find_own_class(("s",))
    for missing in ("loud.outer:X", "silent:X", "json.decoder.more:X"):
        module = missing.partition(":")[0]
        expected = f"s: cannot import '{missing}': No module named '{module}'"
        assert refusal(lambda missing=missing: NamedChoice(missing).find_own_class(("s",))) == expected
    assert "loud" not in sys.modules


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise SystemExit(7)", "cannot import 'users:C': it exits with code 7"),
        ("import os\nclass Odd(BaseException): pass\nraise Odd('a\\nb')", "cannot import 'users:C': Odd: a b"),
        ("1 / 0", "cannot import 'users:C': ZeroDivisionError: division by zero"),
        ("print('loud')\nC = 3", "'users:C' is not a class derived from builtins.object"),
        ("class C:\n  def __init__(self): raise KeyError('k')", "'users:C' does not accept its options: KeyError: 'k'"),
        ("def f(): f()\nf()", "cannot import 'users:C': RecursionError: maximum recursion depth exceeded"),
    ],
)
def test_whatever_it_does_is_one_line(
    code: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "users", raising=False)
    (tmp_path / "users.py").write_text(code + "\n")
    assert refusal(lambda: build(NamedChoice("users:C"), {}, object, ("s",))) == f"s: {reason}"
    assert capsys.readouterr().out == ""  # standard output may be JSON lines
    sys.modules.pop("users", None)


def test_ctrl_c_during_an_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "slow_users.py").write_text("raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        build(NamedChoice("slow_users:C"), {}, object, ("s",))


def test_what_the_users_class_raises_is_not_our_bug() -> None:
    own = NamedChoice("mine:Sampler")
    with (
        pytest.raises(UserError, match=r"^sampler 'mine:Sampler' raised KeyError: 'k'$"),
        reported_as_users(own, "sampler"),
    ):
        raise KeyError("k")
    for choice, error in (
        (NamedChoice("tpe"), KeyError("k")),
        (own, MachineError("disk")),
        (own, OSError(5, "Input/output error")),
    ):
        with pytest.raises(type(error)) as caught, reported_as_users(choice, "sampler"):
            raise error
        assert caught.value is error
