"""A setting and its table: the type of the setting, and which keys the table may contain."""

from __future__ import annotations

from typing import Any

import pytest

from search.parsing.errors import StudyFileError
from search.space.entry import SpaceEntry
from tests.search.space.made_spaces import base

KNOWN = ("low", "high", "choices", "when")


def entry(path: str, **table: Any) -> SpaceEntry:
    return SpaceEntry(path, table, base(), KNOWN)


def test_the_type_of_a_setting() -> None:
    assert entry("optim.learning_rate").field().kind is float
    assert entry("heads.sst.layers").field().kind is int
    pair = entry("heads.sts.pair").field()
    assert (pair.kind, "siamese" in pair.literals) == (str, True)
    assert entry("optim.clip_norm").field().optional
    assert entry("optim.learning_rate").key == ("space", "optim.learning_rate")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("heads.xyz.layers", "no such setting of a run"),
        ("optim.learning_rat", "no such setting of a run; did you mean 'optim.learning_rate'?"),
        ("tasks.sst.score_weight", "cannot be searched: it changes what the score means; set it under [base]"),
        ("budget.examples", "cannot be searched: all trials are scored at the same positions; set it under [base]"),
    ],
)
def test_settings_that_cannot_be_searched(path: str, message: str) -> None:
    with pytest.raises(StudyFileError) as caught:
        entry(path).field()
    assert caught.value.key == ("space", path)
    assert caught.value.what.startswith(message)


def test_a_setting_that_is_not_a_single_value() -> None:
    assert entry("loss.weights.sst").scalar_field(("x",)).kind is float
    with pytest.raises(StudyFileError) as caught:
        entry("heads.sst.class_weights").scalar_field(("space", "heads.sst.class_weights", "choices"))
    assert str(caught.value) == (
        'space."heads.sst.class_weights".choices: this setting cannot be searched; set it under [base]'
    )


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"low": 1, "hihg": 2}, "space.seed.hihg: unknown key; did you mean 'high'?"),
        ({"low": 1, "xyzzy": 2}, "space.seed.xyzzy: unknown key; known: low, high"),
        ({"low": 1, "choices": [2]}, "space.seed.choices: cannot be combined with low"),
        ({"low": 1, "high": 3, "choices": [2]}, "space.seed.choices: cannot be combined with low and high"),
        ({"choices": [2]}, "space.seed.choices: unknown key; known: low, high"),
    ],
)
def test_keys_that_do_not_belong_there(table: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyFileError) as caught:
        entry("seed", **table).check_keys(("low", "high"))
    assert str(caught.value) == message


def test_keys_that_belong_there() -> None:
    entry("seed", low=1, high=2).check_keys(("low", "high"))
    entry("seed").check_keys(("low", "high"))
