"""Which options of an ensemble go together, and how trials named by hand are read."""

from __future__ import annotations

from typing import Any

import pytest

from data.errors import UserError
from search.ensemble.ensemble_request import EnsembleRequest, candidates_by_hand, shares_by_hand
from search.ensemble.selection import GreedyOptions

GREEDY = GreedyOptions(steps=3)


def request(**options: Any) -> EnsembleRequest:
    return EnsembleRequest(**{"trials": None, "of": (), "greedy": None, "soup": None, "dev_only": False} | options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "which trials? --trials 3,7,9"),
        ({"of": ["sst=1"], "greedy": GREEDY}, "--greedy selects the members, --of names them"),
        ({"soup": "uniform", "of": ["sst=1"]}, "--of is for averaged predictions"),
        ({"soup": "greedy", "greedy": GREEDY}, "--greedy is for averaged predictions"),
        ({"soup": "greedy", "dev_only": True}, "--soup greedy needs the trials' models"),
    ],
)
def test_options_that_do_not_go_together(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError) as refused:
        request(**options)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("options", "averages_named", "by_hand"),
    [
        ({"trials": "3,7"}, True, True),
        ({"of": ["sst=3"], "dev_only": True}, True, True),
        ({"trials": "3,7", "greedy": GREEDY}, False, False),
        ({"trials": "3,7", "soup": "uniform"}, False, True),
        ({"trials": "3,7", "soup": "greedy"}, False, False),
        ({"soup": "uniform"}, False, False),
    ],
)
def test_who_chooses_the_members(options: dict[str, Any], averages_named: bool, by_hand: bool) -> None:
    made = request(**options)
    assert (made.averages_named_trials, made.by_hand) == (averages_named, by_hand)


def test_a_trial_that_is_named_twice_counts_twice() -> None:
    shares = shares_by_hand(["sst", "sts"], "7, 3,7 ,9", ["sts=4,5"])
    assert shares == {"sst": {3: 0.25, 7: 0.5, 9: 0.25}, "sts": {4: 0.5, 5: 0.5}}
    assert list(shares["sst"]) == [3, 7, 9]


@pytest.mark.parametrize(
    ("trials", "of", "words"),
    [
        ("3,x", [], "--trials 3,x: write numbers of trials with commas between"),
        ("3,-1", [], "--trials 3,-1: write numbers"),
        ("3,\u0663", [], "write numbers of trials"),  # a digit, but not an ASCII one
        ("3", ["sst"], "--of sst: write a task and its trials, such as --of sst=3,7"),
        ("3", ["stt=3"], "--of stt=3: the study has the tasks sst, sts; did you mean"),
        ("3", ["sst=3", "sst=4"], "--of sst=4: task 'sst' is named twice"),
        ("3", ["sst="], "--of sst : write numbers of trials"),
    ],
)
def test_shares_that_cannot_be_read(trials: str, of: list[str], words: str) -> None:
    with pytest.raises(UserError) as refused:
        shares_by_hand(["sst", "sts"], trials, of)
    assert words in str(refused.value)


def test_trials_to_select_from() -> None:
    assert candidates_by_hand("9,3, 7") == [9, 3, 7]
    for text in ("3", "3,7,3"):
        with pytest.raises(UserError, match="name at least two trials to select from, each once"):
            candidates_by_hand(text)
