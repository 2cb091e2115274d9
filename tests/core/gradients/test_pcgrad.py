"""PCGrad: closed forms, a float64 transcription of the paper's algorithm, and its effect on two tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import permutations, product

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor

from core.gradients import PCGrad, SummedGradients
from core.trainer import TrainingRun
from tests.core.gradients.toy_model import NO_DROPOUT, PCGRAD, TASKS, Model, gradients_of_a_step, small, update

Vector = npt.NDArray[np.float64]


def algorithm_1(gradients: Sequence[Vector], orders: Sequence[Sequence[int]]) -> Vector:
    """Compute algorithm 1 of arXiv:2001.06782, line by line, for given orders of the other tasks."""
    altered = [gradient.copy() for gradient in gradients]
    for i, order in enumerate(orders):
        for j in order:
            inner = altered[i] @ gradients[j]
            if inner < 0:
                altered[i] = altered[i] - inner / (gradients[j] @ gradients[j]) * gradients[j]
    return np.sum(altered, axis=0)


def all_orders(tasks: int) -> list[tuple[tuple[int, ...], ...]]:
    """Return every choice of an order of the other tasks for every task."""
    return list(product(*(permutations([j for j in range(tasks) if j != i]) for i in range(tasks))))


def pcgrad(gradients: Sequence[Sequence[float]], seed: int = 0, step: int = 0) -> Vector:
    model = Model(len(gradients[0]))
    return update(model, PCGrad(model, seed), {str(i): g for i, g in enumerate(gradients)}, step)  # type: ignore[arg-type]


def test_pcgrad_of_two_tasks_by_hand() -> None:
    """(1, 0) becomes (1, 0) + (-1, 1) / 2, and (-1, 1) becomes (0, 1); their sum, not their mean (.25, .75)."""
    assert pcgrad([[1, 0], [-1, 1]]) == pytest.approx([0.5, 1.5])


def test_pcgrad_compares_the_running_vector_with_the_originals_by_hand() -> None:
    """a = (1, 0) conflicts with b = (-1, 1) and with c = (-1, 3).

    By b first it becomes (.5, .5), which c does not oppose any more; by c first (.9, .3) and then (.6, .6). b and c
    lose their part along a and become (0, 1) and (0, 3). Wrong: a compared as it was gives (.4, 4.8), and altered
    vectors as those to project against leave b at (-1, 1).
    """
    seen = {tuple(pcgrad([[1, 0], [-1, 1], [-1, 3]], step=step).round(5)) for step in range(20)}
    assert seen == {(0.5, 4.5), (0.6, 4.6)}


def test_pcgrad_draws_an_order_for_every_task() -> None:
    """Three tasks have two orders of the others each, and all 8 choices come up, about equally often.

    Wrong: one order of all tasks for the whole update gives 6 of the 8; a shuffle that is thrown away gives 1.
    """
    gradients = np.array([[3.0, 0.0, 1.0], [-2.0, 2.0, 0.5], [-1.0, -3.0, 1.0]])
    outcomes = np.array([algorithm_1(list(gradients), orders) for orders in all_orders(3)])
    distances = np.abs(outcomes[:, None] - outcomes[None]).max(axis=-1)
    assert (distances + np.eye(8) > 0.01).all()  # each order has an outcome of its own
    counts = np.zeros(8, dtype=int)
    for step in range(400):
        distance = np.abs(outcomes - pcgrad(gradients.tolist(), seed=1, step=step)).max(axis=1)
        assert distance.min() < 1e-5
        counts[distance.argmin()] += 1
    assert counts.min() > 25  # 50 expected; the standard deviation is below 7


@given(st.lists(st.lists(small, min_size=4, max_size=4), min_size=3, max_size=3), st.integers(0, 2**32 - 1))
def test_pcgrad_is_algorithm_1(gradients: list[list[float]], seed: int) -> None:
    assume(all(any(g) for g in gradients))  # the transcription divides by the norm
    vectors = [np.array(g) for g in gradients]
    outcomes = [algorithm_1(vectors, orders) for orders in all_orders(3)]
    result = pcgrad(gradients, seed)
    assert min(np.abs(outcome - result).max() for outcome in outcomes) < 1e-4


@given(st.lists(st.lists(st.floats(0, 1e3, width=32), min_size=3, max_size=3), min_size=1, max_size=4))
def test_without_conflict_pcgrad_is_the_plain_sum_to_the_bit(gradients: list[list[float]]) -> None:
    named = {str(i): g for i, g in enumerate(gradients)}
    models = Model(3), Model(3)
    plain = update(models[0], SummedGradients(), named)
    assert np.array_equal(update(models[1], PCGrad(models[1], 0), named), plain)


@given(st.lists(small, min_size=3, max_size=3), st.lists(small, min_size=3, max_size=3))
def test_the_result_for_two_tasks_opposes_neither(first: list[float], second: list[float]) -> None:
    result = pcgrad([first, second])
    assert min(result @ np.array(first), result @ np.array(second)) > -1e-4


def test_opposite_gradients_cancel_and_zeros_do_no_harm() -> None:
    assert pcgrad([[1, -2], [-1, 2]]) == pytest.approx([0, 0])
    assert pcgrad([[1, 0], [0, 0], [-1, 1]]) == pytest.approx([0.5, 1.5])
    assert pcgrad([[1, 0], [1e-30, 0], [-1e-30, 0]]) == pytest.approx([1, 0])  # norms below float32's least number


def test_one_task_keeps_its_gradient() -> None:
    assert pcgrad([[1, -3]]).tolist() == [1, -3]


def test_parameters_that_a_task_does_not_use_count_as_zeros() -> None:
    """Three parameters of one size, the middle one used by one task only, and a fourth that nobody uses.

    Wrong: gradients flattened without their Nones put the third parameter of one task against the second of the other.
    """
    model = Model(2, 2, 2, 2)
    rule = PCGrad(model, 0)  # type: ignore[arg-type]
    rule.add("a", model.loss([[1, 0], [5, 5], [2, 1], None]))
    rule.add("b", model.loss([[-1, 1], None, [-3, 0], None]))
    rule.combine(0)
    a, b = np.array([1.0, 0, 5, 5, 2, 1]), np.array([-1.0, 1, 0, 0, -3, 0])
    expected = algorithm_1([a, b], [[1], [0]])
    assert model.grads[3] is None  # as without a rule: AdamW leaves it alone
    assert np.concatenate([np.array(g) for g in model.grads[:3]]) == pytest.approx(expected, abs=1e-5)


def test_tasks_with_no_parameter_in_common_do_not_conflict() -> None:
    model = Model(1, 1)
    rule = PCGrad(model, 0)  # type: ignore[arg-type]
    rule.add("a", model.loss([[1.0], None]))
    rule.add("b", model.loss([None, [-1.0]]))
    rule.combine(0)
    assert model.grads == [[1.0], [-1.0]]


def test_batches_of_one_task_add_up_before_tasks_are_compared() -> None:
    """The two batches of a conflict with each other and singly with b; their sum (1, 0) is what counts.

    A parameter that only the first of them uses is kept.
    """
    model = Model(2, 1)
    rule = PCGrad(model, 0)  # type: ignore[arg-type]
    for task, gradient in (("a", [[4, 1], [7]]), ("b", [[-1, 1], None]), ("a", [[-3, -1], None])):
        rule.add(task, model.loss(gradient))  # type: ignore[arg-type]
    rule.combine(0)
    a, b = np.array([1.0, 0, 7]), np.array([-1.0, 1, 0])
    first, second = model.grads
    assert first is not None
    assert second is not None
    assert first + second == pytest.approx(algorithm_1([a, b], [[1], [0]]), abs=1e-5)


def test_an_update_forgets_the_one_before() -> None:
    model = Model(2)
    rule = PCGrad(model, 0)  # type: ignore[arg-type]
    update(model, rule, {"a": [1, 0], "b": [-1, 1]})
    assert update(model, rule, {"a": [1, 0]}).tolist() == [1, 0]


def test_the_order_depends_on_seed_and_step_alone() -> None:
    def curve(seed: int, first: int) -> list[list[float]]:
        model = Model(2)
        rule = PCGrad(model, seed)  # type: ignore[arg-type]
        gradients = {"a": [1.0, 0.0], "b": [-1.0, 1.0], "c": [-1.0, 3.0]}
        return [update(model, rule, gradients, step).tolist() for step in range(first, 30)]

    torch.manual_seed(0)
    whole = curve(seed=3, first=0)
    torch.manual_seed(1)
    assert curve(seed=3, first=10) == whole[10:]
    assert curve(seed=4, first=0) != whole


def encoder_vector(run: TrainingRun, gradients: Mapping[str, Tensor]) -> Vector:
    named = [(name, p) for name, p in run.model.named_parameters() if name.startswith("encoders.all-tasks.")]
    parts = [gradients.get(name, torch.zeros_like(p)).double().flatten() for name, p in named]
    return torch.cat(parts).numpy()


def test_a_step_of_pcgrad_changes_the_encoders_gradient_alone(start: Callable[..., TrainingRun]) -> None:
    """Heads have the gradient of the plain sum; the encoder that of Algorithm 1 over the tasks one by one."""
    together = {"sampler": {"order": "together"}, "optim": {"clip_norm": None}, **NO_DROPOUT}
    weights = {task: {"weights": {other: float(other == task) for other in TASKS}} for task in TASKS}
    vectors: list[Vector] = []
    for seed in range(20):  # until there are first weights from which the tasks conflict
        single = [start(f"{task} {seed}", seed=seed, loss=weights[task], **together) for task in TASKS]
        # With weight on one task, its loss counts three times: the weights have mean 1.
        vectors = [encoder_vector(run, gradients_of_a_step(run)) / 3 for run in single]
        if np.corrcoef(vectors).min() < -0.1:
            break
    summed, surgery = start("sum", seed=seed, **together), start("pcgrad", seed=seed, **{**together, **PCGRAD})
    plain, altered = gradients_of_a_step(summed), gradients_of_a_step(surgery)
    assert plain.keys() == altered.keys()
    assert any(name.startswith("encoders.all-tasks.pooler") for name in altered)
    for name in plain:
        if not name.startswith("encoders.all-tasks."):
            assert torch.equal(plain[name], altered[name]), name
    outcomes = [algorithm_1(vectors, orders) for orders in all_orders(3)]
    result = encoder_vector(surgery, altered)
    scale = np.abs(result).max()
    assert min(np.abs(outcome - result).max() for outcome in outcomes) < 1e-4 * scale
    assert np.abs(encoder_vector(summed, plain) - result).max() > 1e-2 * scale


def test_a_small_step_of_pcgrad_helps_both_tasks_where_the_sum_harms_one(start: Callable[..., TrainingRun]) -> None:
    """A real encoder under two tasks, one of which also gains from the loss of the other."""
    run = start(tasks=("sst", "para"), **{**PCGRAD, **NO_DROPOUT, "heads": {"sst": {"dropout": 0.0}}})
    run.model.eval()
    batch = run.tasks["sst"].next_batch(20)
    gold = batch.labels
    assert gold is not None
    weights = {name: p.detach().clone() for name, p in run.model.named_parameters()}

    def losses() -> dict[str, Tensor]:
        outputs, loss = run.model(batch), run.model.losses["sst"].loss
        return {"sst": loss(outputs, (gold + 1) % 5) - 3 * loss(outputs, gold), "para": loss(outputs, gold)}

    changes = {}
    for rule in (SummedGradients(), PCGrad(run.model, 0)):
        before = {task: loss.item() for task, loss in losses().items()}
        for task in before:
            rule.add(task, losses()[task])
        rule.combine(0)
        with torch.no_grad():
            for p in run.model.encoder("sst").parameters():
                if p.grad is not None:
                    p -= 1e-3 * p.grad
        changes[type(rule)] = {task: loss.item() - before[task] for task, loss in losses().items()}
        run.model.zero_grad()
        run.model.load_state_dict(weights)
    assert changes[SummedGradients]["para"] > 0
    assert all(change < 0 for change in changes[PCGrad].values())
