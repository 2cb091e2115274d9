from __future__ import annotations

import io

import pytest

from data.errors import UserError
from search.init.questions import Choice, Questions, by_task

CHOICES = [Choice("mood", "sad, happy"), Choice("topic")]


class Terminal(io.StringIO):
    """Standard input on which somebody types."""

    def isatty(self) -> bool:
        return True


def ask(typed: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    return Questions(takes_proposals=False, can_ask=True).choose("which column", CHOICES, "--label COLUMN")


@pytest.mark.parametrize(
    ("typed", "expected"), [("\n", "mood"), ("2\n", "topic"), ("topic\n", "topic"), ("7\n1\n", "mood")]
)
def test_answers(
    typed: str, expected: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(typed, monkeypatch) == expected
    shown = capsys.readouterr().out
    assert shown.startswith("which column?\n  1  mood  (sad, happy)\n  2  topic\n")
    assert ("type a number from 1 to 2" in shown) == (typed == "7\n1\n")


def test_giving_up_ends_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyboardInterrupt):
        ask("", monkeypatch)


def test_nothing_is_asked_without_a_terminal() -> None:
    assert Questions(takes_proposals=True, can_ask=False).choose("which", CHOICES, "--label COLUMN") == "mood"
    with pytest.raises(UserError, match=r"which: 'mood' or 'topic'\? Answer with --label COLUMN"):
        Questions(takes_proposals=False, can_ask=False).choose("which", CHOICES, "--label COLUMN")


def test_options_by_task() -> None:
    assert by_task("--label", ["y=c", "x=b"], ["x"]) == {"": "y=c", "x": "b"}
    with pytest.raises(
        UserError, match=r"--text 'a' and 'b' are two answers for one task; give .* or --pair for the two"
    ):
        by_task("--text", ["a", "b"], ["x"])
    with pytest.raises(
        UserError, match=r"--label 'a' and 'b' are two answers for task 'x'; give TASK=VALUE for each task$"
    ):
        by_task("--label", ["x=a", "x=b"], ["x"])
