"""Learning-rate schedules against their closed forms."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.optim.schedules import SCHEDULES, rate_factor


@pytest.mark.parametrize(
    ("schedule", "fraction", "expected"),
    [
        ("linear", 0.05, 0.5),
        ("linear", 0.1, 1.0),
        ("linear", 0.55, 0.5),
        ("linear", 1.0, 0.0),
        ("cosine", 0.55, 0.5),
        ("cosine", 0.325, 0.5 * (1 + math.cos(math.pi / 4))),
        ("constant", 0.9, 1.0),
    ],
)
def test_closed_forms(schedule: str, fraction: float, expected: float) -> None:
    assert rate_factor(schedule, 0.1, fraction) == pytest.approx(expected, abs=1e-12)


@given(
    schedule=st.sampled_from(sorted(SCHEDULES)),
    warmup=st.floats(0, 0.99),
    fraction=st.floats(0, 2),
)
def test_between_zero_and_one_and_continuous_at_the_warm_up(schedule: str, warmup: float, fraction: float) -> None:
    assert 0.0 <= rate_factor(schedule, warmup, fraction) <= 1.0
    assert rate_factor(schedule, warmup, warmup) == pytest.approx(1.0)


def test_no_warm_up_starts_at_the_peak() -> None:
    assert rate_factor("linear", 0.0, 0.0) == 1.0
