"""A part of dev that is too small to rank trials is refused before the first one."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import UserError
from data.task_files import builtin_tasks
from search.preflight.early_part import check_early_part

SPECS = builtin_tasks()


def refusal(task: str, labels: np.ndarray, share: float) -> str:
    with pytest.raises(UserError) as caught:
        check_early_part(SPECS[task], labels, share)
    return str(caught.value)


def test_a_rare_class_keeps_two_examples() -> None:
    labels = np.array([0] * 60 + [1] * 30 + [3] * 9 + [4])  # a single example can be no two
    assert refusal("sst", labels, 0.1) == (
        "eval.early_share = 0.1 leaves 1 of 9 dev examples of class 'positive' of sst for early rungs, which need 2; "
        "0.15 is enough for this task"
    )
    check_early_part(SPECS["sst"], labels, 0.15)
    check_early_part(SPECS["sst"], labels[labels == 0], 0.2)


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=120).map(np.array),
    st.floats(0.01, 1.0),
)
def test_the_share_that_is_named_is_enough(labels: np.ndarray, share: float) -> None:
    try:
        check_early_part(SPECS["sst"], labels, share)
    except UserError as error:
        named = re.search(r"; (\S+) is enough", str(error))
        assert named is not None
        check_early_part(SPECS["sst"], labels, float(named[1]))


def test_a_score_needs_ten_examples() -> None:
    labels = np.linspace(0, 5, 100).astype(np.float32)
    assert refusal("sts", labels, 0.05) == (
        "eval.early_share = 0.05 leaves 5 of 100 dev examples of sts for early rungs, which need 10; 0.1 is enough for "
        "this task"
    )
    check_early_part(SPECS["sts"], labels, 0.1)
    check_early_part(SPECS["sts"], labels[:5], 1.0)
