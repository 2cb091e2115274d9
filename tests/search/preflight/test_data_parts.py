"""Parts of the data are known by what was parsed, and those that changed are named."""

from __future__ import annotations

import hashlib

import numpy as np

from search.preflight.data_parts import changed_parts, examples_digest, joint_digest, splits_of

PARTS = {
    "mood": {"train": "1", "dev": "2", "test": "3", "extra": "4"},
    "pretraining.nli_file": {"nli.tsv": "5"},
}


def test_joint_digests_have_no_order_and_examples_have_one() -> None:
    assert joint_digest(["x", "y"]) == joint_digest(["y", "x"]) == hashlib.sha256(b"x\ny").hexdigest()
    assert joint_digest(["x", "y"]) != joint_digest(["x"])
    one, two = ("a fine day",), ("another",)
    assert examples_digest([one, two], np.array([0, 1])) == examples_digest([one, two], np.array([0, 1]))
    assert examples_digest([one, two], np.array([0, 1])) != examples_digest([two, one], np.array([0, 1]))
    assert examples_digest([one, two], np.array([0, 1])) != examples_digest([one, two], np.array([1, 0]))


def test_further_examples_are_no_splits() -> None:
    assert splits_of(PARTS) == {"mood": {"train": "1", "dev": "2", "test": "3"}}


def test_changed_parts_are_named() -> None:
    assert changed_parts(PARTS, PARTS) == []
    now = {"mood": {"train": "0", "dev": "2", "test": "0", "phrases": "6"}, "other": {"dev": "7"}}
    assert changed_parts(PARTS, now) == [
        "train of task 'mood'",  # not test, which no trial is chosen by
        "further examples (extra) of task 'mood'",
        "further examples (phrases) of task 'mood'",
        "the file nli.tsv of pretraining.nli_file",
        "dev of task 'other'",
    ]
