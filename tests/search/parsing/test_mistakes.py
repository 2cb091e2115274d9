"""Collecting mistakes."""

from pathlib import Path

import pytest

from data.errors import MachineError, UserError
from search.parsing.errors import StudyFileError
from search.parsing.mistakes import Mistakes
from search.parsing.toml_lines import error_in_file


def test_mistakes_become_one_error_in_the_order_of_the_file() -> None:
    mistakes = Mistakes()
    with mistakes.noted():
        raise UserError("tasks.toml:9: metric: is missing")
    with mistakes.noted():
        raise StudyFileError(("b",), "is wrong", (StudyFileError(("a",), "is wrong too"),))
    assert mistakes.attempt(lambda: int("3"), 0) == 3
    mistakes.note(StudyFileError(("b",), "is wrong"))  # found again
    assert len(mistakes) == 3
    assert mistakes.under("b")
    with pytest.raises(StudyFileError) as caught:
        mistakes.raise_any()
    assert str(error_in_file(caught.value, Path("x.toml"), "a = 1\nb = 2\n")).splitlines() == [
        "x.toml:1: a: is wrong too",
        "x.toml:2: b: is wrong",
        "tasks.toml:9: metric: is missing",
    ]


def test_a_fault_of_the_machine_is_no_mistake() -> None:
    mistakes = Mistakes()
    with pytest.raises(MachineError), mistakes.noted():
        raise MachineError("the disk is full")
    mistakes.raise_any()
