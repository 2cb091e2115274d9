"""Parts of the data are known by what was parsed, and those that changed are named."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.reading import RawSplit
from search.preflight.data_parts import changed_parts, examples_digest, joint_digest, rows_digest, splits_of

PARTS = {
    "mood": {"train": "1", "dev": "2", "test": "3", "extra": "4"},
    "pretraining.nli_file": {"nli.tsv": "5"},
}


@pytest.fixture
def raw(tmp_path: Path) -> RawSplit:
    """Two pairs with their scores, parsed from a file that need not exist."""
    return RawSplit(
        path=tmp_path / "train.csv",
        ids=["a", "b"],
        sentences=[("one", "two"), ("three", "four")],
        labels=np.array([0.5, 3.0], dtype=np.float32),
        skipped=[],
    )


def test_the_digest_of_rows_is_that_of_ids_sentences_and_labels(raw: RawSplit) -> None:
    """Recomputed by hand: studies have stored it."""
    parts = (b"a\0b", b"one\0two\0three\0four", struct.pack("<ff", 0.5, 3.0))
    expected = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()
    assert rows_digest(raw) == expected


def test_every_value_and_its_place_counts_and_the_file_does_not(raw: RawSplit) -> None:
    labels = np.array([0.5, 3.0], dtype=np.float32)
    others = [
        replace(raw, ids=["b", "a"]),
        replace(raw, sentences=[("three", "four"), ("one", "two")]),
        replace(raw, labels=labels[::-1].copy()),
        replace(raw, labels=None),
    ]
    assert len({rows_digest(one) for one in (raw, *others)}) == 5
    assert rows_digest(replace(raw, path=Path("elsewhere"), skipped=["a row"])) == rows_digest(raw)
    assert rows_digest(replace(raw, labels=labels.astype(">f4"))) == rows_digest(raw)  # another machine's byte order


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
