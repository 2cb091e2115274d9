"""Averaged predictions: torch's softmax of mean logits, closed forms, and what no average may depend on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core.ensembles import average, average_tasks

LEAST = 2.0**-149  # the least float32 above 0

logits = hnp.arrays(np.float32, (3, 4, 5), elements=st.floats(-200, 200, width=32))  # three members
scores = hnp.arrays(np.float32, (3, 4), elements=st.floats(0, 5, width=32))
counts = st.lists(st.integers(0, 4), min_size=3, max_size=3).filter(any)


def probabilities(values: np.ndarray) -> np.ndarray:
    """Return probabilities as a run stores them: float32, exactly 0 for hopeless classes."""
    return torch.from_numpy(values).softmax(-1).numpy()


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-13), (torch.float32, 1e-6)])
def test_probabilities_give_the_softmax_of_the_mean_logits(dtype: torch.dtype, tolerance: float) -> None:
    values = 4 * torch.randn(7, 50, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    weights = [1.0, 3.0, 0.5, 0.0, 2.0, 1.0, 1.0]
    mean = (values * torch.tensor(weights, dtype=torch.float64)[:, None, None]).sum(0) / sum(weights)
    members = [value.to(dtype).softmax(-1).numpy() for value in values]
    found = average(members, weights)
    assert found.dtype == np.float64
    assert np.abs(found - mean.softmax(-1).numpy()).max() < tolerance
    arithmetic = np.average(members, axis=0, weights=weights)
    assert np.abs(found - arithmetic).max() > 0.05  # the mean of the probabilities is something else


def test_one_logit_of_two_classes() -> None:
    """Binary cross-entropy's predictions: the sigmoid of the mean logit."""
    z = torch.tensor([-3.0, 0.5, 4.0], dtype=torch.float64)
    members = [torch.stack([(-x).sigmoid(), x.sigmoid()])[None].numpy() for x in z]
    assert average(members)[0, 1] == pytest.approx(z.mean().sigmoid().item(), abs=1e-14)


def test_a_probability_of_zero_counts_as_the_least_float32() -> None:
    certain, doubtful = np.array([[1.0, 0.0]], np.float32), np.array([[0.25, 0.75]], np.float32)
    found = average([certain, doubtful])
    assert found[0, 1] / found[0, 0] == pytest.approx(np.sqrt(LEAST * 0.75 / 0.25), rel=1e-12)
    # Two that rule each other's class out: without a floor 0 / 0.
    assert np.allclose(average([certain, certain[:, ::-1]]), 0.5, rtol=0, atol=1e-15)
    least = np.array([[1.0, LEAST]], np.float32)
    assert least[0, 1] > 0
    assert np.array_equal(average([least]), average([certain]))
    above = np.array([[1.0, 3 * LEAST]], np.float32)  # smaller than the least normal float32, and no zero
    assert average([above])[0, 1] == pytest.approx(3 * LEAST, rel=1e-12)


def test_scores_are_averaged_as_they_are() -> None:
    members = [np.array([0.0, 5.0], np.float32), np.array([3.0, 0.5], np.float32)]
    assert average(members).tolist() == [1.5, 2.75]
    assert average(members, [1, 2]).tolist() == pytest.approx([2.0, 2.0], abs=1e-15)


@given(logits, scores, counts)
def test_a_count_is_so_many_members(z: np.ndarray, s: np.ndarray, times: list[int]) -> None:
    for values in (probabilities(z), s):
        repeated = [member for member, count in zip(values, times, strict=True) for _ in range(count)]
        assert np.allclose(average(list(values), times), average(repeated), rtol=1e-10, atol=1e-13)


@given(logits, scores, st.permutations(range(3)), counts)
def test_the_order_of_members_makes_no_difference(
    z: np.ndarray, s: np.ndarray, order: list[int], times: list[int]
) -> None:
    for values in (probabilities(z), s):
        found = average([values[n] for n in order], [times[n] for n in order])
        assert np.allclose(found, average(list(values), times), rtol=1e-10, atol=1e-13)


@given(logits, scores, st.integers(1, 5))
def test_one_run_however_often_is_that_run(z: np.ndarray, s: np.ndarray, times: int) -> None:
    """Predicted classes too, where ties go to the first: the files equal those that the run itself would write."""
    stored = probabilities(z)[0]
    found = average([stored] * times)
    assert np.allclose(found, stored, rtol=1e-5, atol=2 * LEAST)
    assert np.array_equal(found.argmax(axis=1), stored.argmax(axis=1))
    assert np.array_equal(average([s[0]] * times).astype(np.float32), s[0])


def test_every_task_has_its_average() -> None:
    one = {"sts": np.array([1.0]), "sst": np.array([[0.5, 0.5]])}
    two = {"sst": np.array([[0.1, 0.9]]), "sts": np.array([2.0])}
    found = average_tasks([one, two], [1, 3])
    assert found["sts"] == average([one["sts"], two["sts"]], [1, 3]) == 1.75
    assert np.array_equal(found["sst"], average([one["sst"], two["sst"]], [1, 3]))


@pytest.mark.parametrize(
    ("members", "weights", "message"),
    [
        ([], None, "needs at least one member"),
        ([np.zeros(2), np.zeros(3)], None, r"the same shape, got \[\(2,\), \(3,\)\]"),
        ([np.zeros(2)], [1, 1], "one entry for each of 1 members, got 2"),
        ([np.zeros(2)] * 2, [1, -1], r"at least 0 and not all 0, got \[1, -1\]"),
        ([np.zeros(2)] * 2, [0, 0], r"at least 0 and not all 0, got \[0, 0\]"),
        ([np.zeros(2)], [float("nan")], r"at least 0 and not all 0, got \[nan\]"),
    ],
)
def test_what_cannot_be_averaged(members: list[np.ndarray], weights: list[float] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        average(members, weights)
