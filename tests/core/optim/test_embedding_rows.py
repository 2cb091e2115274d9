"""Updating the rows in use gives what torch's AdamW gives on the whole table."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from core.optim.clipping import clip_gradients
from core.optim.scheduled_adamw import ScheduledAdamW
from core.run.progress import Progress

RATE, STEPS = 0.01, 400


class Pair:
    """The same table twice: ours, and one for torch's AdamW on dense gradients."""

    def __init__(self, decay: float = 0.1, betas: tuple[float, float] = (0.9, 0.999), gradients: float = 1.0) -> None:
        torch.manual_seed(0)
        self.ours = nn.Embedding(40, 3, padding_idx=0, dtype=torch.float64)
        self.other = nn.Parameter(torch.ones(2, dtype=torch.float64))
        self.theirs = deepcopy(self.ours)
        self.decay, self.betas, self.gradients = decay, betas, gradients
        self.optimiser = self.make()
        self.reference = torch.optim.AdamW(self.theirs.parameters(), RATE, betas, weight_decay=decay)

    def make(self) -> ScheduledAdamW:
        groups = {(RATE, self.decay): [self.ours.weight], (2 * RATE, 0.0): [self.other]}
        return ScheduledAdamW(groups, "constant", 0.0, self.betas, tables=[self.ours])

    def step(self, number: int, *batches: list[int]) -> None:
        for ids in batches:
            for table in (self.ours, self.theirs):
                found = table(torch.tensor(ids))
                slopes = self.gradients * torch.sin(torch.arange(1.0, found.numel() + 1) * (number + 1))
                (found * slopes.view_as(found)).sum().backward()
        self.optimiser.step(Progress(number, number, planned=10**6, epochs=1), 1)
        self.reference.step()
        self.reference.zero_grad()

    def check(self, updates: float = 1e-6) -> None:
        """Compare the tables; they may differ by that many updates."""
        before = self.ours.weight.detach().clone()
        with self.optimiser.settled():
            torch.testing.assert_close(self.ours.weight, self.theirs.weight, rtol=1e-9, atol=updates * RATE)
        assert torch.equal(self.ours.weight, before)


def rare(number: int) -> list[int]:
    """Ids that come back after one step, after tens, and after hundreds; some never come."""
    return [0, 1, 2 + number % 2, 4 + number % 30 if number % 90 < 3 else 1] + ([38] if number in (0, 399) else [])


@pytest.mark.parametrize("decay", [0.1, 0.0])
def test_rows_in_use_alone(decay: float) -> None:
    pair = Pair(decay)
    for number in range(STEPS):
        pair.step(number, rare(number))
    assert pair.ours.weight.grad is None
    pair.check()
    moments, expected = pair.optimiser.state_dict()["state"][0], pair.reference.state_dict()["state"][0]
    used = torch.tensor(rare(STEPS - 1))
    for name in ("exp_avg", "exp_avg_sq"):
        torch.testing.assert_close(moments[name][used], expected[name][used], rtol=1e-9, atol=1e-12)


def test_a_looked_up_row_has_decayed() -> None:
    pair = Pair()
    for number in range(STEPS):
        pair.step(number, [1])
        if number % 50 == 0:
            torch.testing.assert_close(pair.ours(torch.tensor([7])), pair.theirs(torch.tensor([7])), rtol=1e-12, atol=0)


@pytest.mark.parametrize("betas", [(0.0, 0.999), (0.5, 0.9)])
def test_other_betas(betas: tuple[float, float]) -> None:
    pair = Pair(betas=betas)
    for number in range(100):
        pair.step(number, rare(number))
    pair.check()


@pytest.mark.parametrize(
    ("gradients", "updates"), [(1e-2, 1e-6), (1e-4, 1e-5), (1e-6, 5e-3), (1e-8, 1e-2), (1e-10, 1e-5)]
)
def test_gradients_as_small_as_epsilon(gradients: float, updates: float) -> None:
    pair = Pair(gradients=gradients)
    for number in range(120):
        pair.step(number, rare(number))
        if number % 7 == 0:
            pair.check(updates)


def test_two_missed_steps_are_exact() -> None:
    pair = Pair(decay=0.0, gradients=1e-8)
    for number in range(60):
        pair.step(number, [1, 2 + number % 3])
        pair.check(1e-12)


def test_tables_grow_with_the_steps() -> None:
    pair = Pair()
    for number in range(1100):
        pair.step(number, [1, 2] if number % 500 else [1, 3])
    pair.check()


def test_several_passes_in_a_step_and_steps_without_the_table() -> None:
    """AdamW ignores a parameter that has no gradient: it does not decay, and its steps are not counted."""
    pair = Pair()
    for number in range(60):
        pair.step(number, *([rare(number), [5, 5]] if number % 3 else []))
    pair.check()


def test_a_dense_gradient_in_between() -> None:
    pair = Pair()
    for number in range(STEPS):
        if number == 200:
            for table in (pair.ours, pair.theirs):
                table.weight.grad = torch.full_like(table.weight, 0.3)
        pair.step(number, *([] if number == 200 else [rare(number)]))
    pair.check()


def state_of(pair: Pair) -> dict[str, Any]:
    return deepcopy({"table": pair.ours.state_dict(), "optimiser": pair.optimiser.state_dict()})


def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit() -> None:
    pair, again = Pair(), Pair()
    for number in range(STEPS):
        if number in (30, 250):
            state = state_of(pair)
        pair.step(number, rare(number))
    again.ours.load_state_dict(state["table"])
    again.optimiser.load_state_dict(state["optimiser"])
    for number in range(250, STEPS):
        again.step(number, rare(number))
    assert torch.equal(again.ours.weight, pair.ours.weight)


def test_the_state_of_a_version_that_updated_all_rows() -> None:
    pair = Pair()
    for number in range(30):
        pair.step(number, rare(number))
    pair.check()
    state = state_of(pair)["optimiser"]
    state["state"][0].update(deepcopy(pair.reference.state_dict()["state"][0]))
    del state["rows"]
    again = Pair()
    again.ours.load_state_dict(pair.theirs.state_dict())
    again.optimiser.load_state_dict(state)
    for number in range(30, STEPS):
        for one in (pair, again):
            one.step(number, rare(number))
    with again.optimiser.settled():
        torch.testing.assert_close(again.ours.weight, pair.theirs.weight, rtol=1e-9, atol=1e-6 * RATE)


def test_clipping_counts_sparse_gradients() -> None:
    def clipped(sparse: bool, norm: float) -> tuple[Tensor, Tensor]:
        torch.manual_seed(0)
        table, other = nn.Embedding(9, 4, sparse=sparse), nn.Parameter(torch.randn(3))
        (table(torch.tensor([1, 1, 4])).square().sum() + other.square().sum()).backward()
        clip = clip_gradients if sparse else nn.utils.clip_grad_norm_
        clip([table.weight, other], norm)
        assert table.weight.grad is not None
        assert other.grad is not None
        return (table.weight.grad.to_dense() if sparse else table.weight.grad), other.grad

    for norm in (0.5, 1e3):
        for mine, theirs in zip(clipped(True, norm), clipped(False, norm), strict=True):
            torch.testing.assert_close(mine, theirs)


def test_clipping_nothing() -> None:
    clip_gradients([nn.Parameter(torch.ones(1))], 1.0)


def test_missed_steps_at_a_rate_of_zero() -> None:
    """A row whose gradients were all 0 stays, as a row of [PAD] must: wrong was 0 / 0."""
    table, other = nn.Embedding(5, 3, padding_idx=0), nn.Parameter(torch.ones(2))
    optimiser = ScheduledAdamW({(RATE, 0.1): [table.weight, other]}, "linear", 0.0, tables=[table])
    for number, ids in enumerate(([0, 1], [2, 3], [0, 1])):
        table(torch.tensor(ids)).sum().backward()
        optimiser.step(Progress(number, number, planned=1, epochs=1), 2)  # the rate is 0 from the first step on
    with optimiser.settled():
        assert table.weight.isfinite().all()
        assert not table.weight[0].any()


def test_nothing_is_trained_while_all_rows_are_up_to_date() -> None:
    pair = Pair()
    pair.step(0, [1, 2])
    with pair.optimiser.settled():
        with pytest.raises(AssertionError), pair.optimiser.settled():
            pass
        with pytest.raises(AssertionError):
            pair.ours(torch.tensor([1]))
    pair.step(1, [1, 2])


def test_a_loaded_state_is_not_changed_by_later_steps() -> None:
    pair = Pair()
    pair.step(0, [1, 2])
    state = pair.optimiser.state_dict()
    before = deepcopy(state["rows"][0])
    other = pair.make()
    other.load_state_dict(state)
    pair.ours(torch.tensor([1])).sum().backward()
    other.step(Progress(1, 1, planned=10**6, epochs=1), 1)
    assert torch.equal(state["rows"][0]["past"], before["past"])
    assert torch.equal(state["rows"][0]["updated"], before["updated"])
