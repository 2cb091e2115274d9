"""PCGrad and anchored surgery: closed forms, a float64 transcription of the paper's algorithm, real updates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor, nn

from core.config import RunConfig
from core.gradients import AnchoredGradients, GradientRule, PCGrad, SummedGradients, make_gradient_rule
from core.gradients.task_gradients import TaskGradients, dot_products
from core.inputs.resources import Resources
from core.run.checkpoint import load_checkpoint, save_checkpoint
from core.run.progress import Progress
from core.run.run_folder import RunFolder
from core.trainer import TrainingRun

MakeConfig = Callable[..., RunConfig]
Vector = npt.NDArray[np.float64]

TASKS = ("sst", "para", "sts")


def algorithm_1(gradients: Sequence[Vector], orders: Sequence[Sequence[int]]) -> Vector:
    """Algorithm 1 of arXiv:2001.06782, line by line, for given orders of the other tasks."""
    altered = [gradient.copy() for gradient in gradients]
    for i, order in enumerate(orders):
        for j in order:
            inner = altered[i] @ gradients[j]
            if inner < 0:
                altered[i] = altered[i] - inner / (gradients[j] @ gradients[j]) * gradients[j]
    return np.sum(altered, axis=0)


def all_orders(tasks: int) -> list[tuple[tuple[int, ...], ...]]:
    """Every choice of an order of the other tasks for every task."""
    return list(product(*(permutations([j for j in range(tasks) if j != i]) for i in range(tasks))))


class Encoder(nn.Module):
    """Stands for an encoder: parameters of the given sizes, all zeros."""

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        self.parts = nn.ParameterList(torch.zeros(size) for size in sizes)


class Model(nn.Module):
    def __init__(self, *sizes: int) -> None:
        super().__init__()
        self.encoders = Encoder(sizes)

    def loss(self, gradient: Sequence[Sequence[float] | None]) -> Tensor:
        """A loss with this gradient, in which a parameter of gradient None is not used."""
        parts = zip(self.encoders.parts, gradient, strict=True)
        return torch.stack([(p * torch.tensor(g)).sum() for p, g in parts if g is not None]).sum()

    @property
    def grads(self) -> list[list[float] | None]:
        return [None if p.grad is None else p.grad.tolist() for p in self.encoders.parts]

    def drop(self) -> None:
        """As the optimiser does after an update."""
        for p in self.encoders.parts:
            p.grad = None


def update(model: Model, rule: GradientRule, gradients: Mapping[str, Sequence[float]], step: int = 0) -> Vector:
    """The combined gradient of one update over a single parameter."""
    model.drop()
    for task, gradient in gradients.items():
        rule.add(task, model.loss([gradient]))
    rule.combine(step)
    (combined,) = model.grads
    return np.array(combined)


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


def test_pcgrad_draws_the_order_anew_for_every_task() -> None:
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


small = st.integers(-5, 5).map(float)


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


def test_dot_products_are_exact_over_many_parameters() -> None:
    generator = torch.Generator().manual_seed(0)
    g, h = ([torch.randn(50, 40, generator=generator) for _ in range(6)] for _ in range(2))
    g[2] = None  # type: ignore[call-overload]
    expected = sum((a.double() * b.double()).sum().item() for a, b in zip(g, h, strict=True) if a is not None)
    norm = sum(b.double().square().sum().item() for b in h)
    assert dot_products([(g, h), (h, h), ([None] * 6, h)]) == pytest.approx([expected, norm, 0.0], rel=1e-5)


# Anchored


def anchored() -> tuple[Model, AnchoredGradients]:
    model = Model(2)
    return model, AnchoredGradients(model, "sst")  # type: ignore[arg-type]


def test_tasks_are_projected_against_the_anchors_last_gradient_by_hand() -> None:
    model, rule = anchored()
    assert update(model, rule, {"para": [-1, 1]}).tolist() == [-1, 1]  # no anchor yet
    assert update(model, rule, {"sst": [2, 0]}).tolist() == [2, 0]
    assert update(model, rule, {"para": [-1, 1]}) == pytest.approx([0, 1])
    assert update(model, rule, {"sts": [-3, 2]}) == pytest.approx([0, 2])  # the anchor lasts
    assert update(model, rule, {"para": [1, 1]}).tolist() == [1, 1]  # no conflict
    assert update(model, rule, {"sst": [0, -1]}).tolist() == [0, -1]  # itself never altered, not by its own last
    assert update(model, rule, {"para": [-1, 1]}) == pytest.approx([-1, 0])  # against the newer one


def test_within_an_update_the_fresh_gradient_of_the_anchor_counts() -> None:
    """Whether it comes first or last. The remembered one, (0, -1), would leave (1, 0)."""
    for tasks in (("sst", "para"), ("para", "sst")):
        model, rule = anchored()
        update(model, rule, {"sst": [0, -1]})
        gradients = {"sst": [2.0, 0.0], "para": [-1.0, 1.0]}
        assert update(model, rule, {task: gradients[task] for task in tasks}) == pytest.approx([2, 1])


def test_each_task_is_projected_by_itself() -> None:
    """The sum (4, 2) of the two does not conflict with (1, 0), but one of them does."""
    model, rule = anchored()
    update(model, rule, {"sst": [1, 0]})
    assert update(model, rule, {"para": [-1, 1], "sts": [5, 1]}) == pytest.approx([5, 2])


def test_the_remembered_gradient_is_the_anchors_own() -> None:
    """Not what the update's tasks made of it, nor what clipping leaves of ``grad``."""
    model, rule = anchored()
    update(model, rule, {"sst": [1, 0], "para": [0, 5]})
    for p in model.encoders.parts:
        p.grad.zero_()
    assert update(model, rule, {"sts": [-1, -1]}) == pytest.approx([0, -1])


def test_an_anchor_of_zeros_changes_nothing() -> None:
    model, rule = anchored()
    update(model, rule, {"sst": [0, 0]})
    assert update(model, rule, {"para": [-1, 1]}).tolist() == [-1, 1]


def test_anchored_parameters_without_a_gradient() -> None:
    """The second parameter is the anchor's only: without conflict it stays None, else it is part of the projection."""
    model = Model(1, 1, 1)
    rule = AnchoredGradients(model, "sst")  # type: ignore[arg-type]
    rule.add("sst", model.loss([[1.0], [1.0], None]))
    rule.combine(0)
    for gradient, expected in ((1.0, [[1.0], None, None]), (-1.0, [[-0.5], [0.5], None])):
        model.drop()
        rule.add("para", model.loss([[gradient], None, None]))
        rule.combine(0)
        assert model.grads == expected


@given(*[st.lists(small, min_size=3, max_size=3)] * 3)
def test_no_update_works_against_the_anchor(anchor: list[float], first: list[float], second: list[float]) -> None:
    model = Model(3)
    rule = AnchoredGradients(model, "sst")  # type: ignore[arg-type]
    update(model, rule, {"sst": anchor})
    assert update(model, rule, {"para": first, "sts": second}) @ np.array(anchor) > -1e-4


def test_the_anchor_survives_a_checkpoint_to_the_bit(tmp_path: Path) -> None:
    model, rule = anchored()
    save_checkpoint(tmp_path / "early.pt", rule.state_dict())
    update(model, rule, {"sst": [0.1, 0.7]})
    save_checkpoint(tmp_path / "late.pt", rule.state_dict())
    expected = update(model, rule, {"para": [-1, 0.1]})
    model, rule = anchored()
    rule.load_state_dict(load_checkpoint(tmp_path / "late.pt"))
    assert np.array_equal(update(model, rule, {"para": [-1, 0.1]}), expected)
    rule.load_state_dict(load_checkpoint(tmp_path / "early.pt"))
    assert update(model, rule, {"para": [-1, 1]}).tolist() == [-1, 1]


# In a run

PCGRAD: dict[str, Any] = {"gradients": {"rule": "pcgrad"}, "sampler": {"order": "together"}}
ANCHORED: dict[str, Any] = {"gradients": {"rule": "anchored", "anchor": "sst"}}
NO_DROPOUT: dict[str, Any] = {
    "model": {
        "encoder": "scratch",
        "scratch": {"vocab_size": 400, "hidden_size": 16, "intermediate_size": 32},
        "dropout": 0.0,
        "attention_dropout": 0.0,
    },
    "heads": {
        "sst": {"dropout": 0.0, "pooling": "pooler"},  # the pooler has no gradient from the others
        "para": {"dropout": 0.0, "pair": "siamese", "pooling": "mean"},
        "sts": {"dropout": 0.0, "pair": "siamese", "pooling": "mean"},
    },
}


@pytest.fixture
def start(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> Callable[..., TrainingRun]:
    def start(folder: str = "run", **sections: Any) -> TrainingRun:
        return TrainingRun(small_config(**sections), RunFolder(tmp_path / folder), resources)

    return start


def gradients_of_a_step(run: TrainingRun) -> dict[str, Tensor]:
    """What the optimiser is given, after everything else in the step."""
    seen: dict[str, Tensor] = {}
    update = run.optimiser.step

    def step(progress: Progress, examples: int) -> None:
        seen.update({name: p.grad.clone() for name, p in run.model.named_parameters() if p.grad is not None})
        update(progress, examples)

    run.optimiser.step = step  # type: ignore[method-assign]
    run.step()
    return seen


def encoder_vector(run: TrainingRun, gradients: Mapping[str, Tensor]) -> Vector:
    named = [(name, p) for name, p in run.model.named_parameters() if name.startswith("encoders.all-tasks.")]
    parts = [gradients.get(name, torch.zeros_like(p)).double().flatten() for name, p in named]
    return torch.cat(parts).numpy()


def test_rules_are_made_by_name(small_config: MakeConfig) -> None:
    model: Any = Model(1)
    assert isinstance(make_gradient_rule(small_config(), model), SummedGradients)
    assert isinstance(make_gradient_rule(small_config(**PCGRAD), model), PCGrad)
    assert isinstance(make_gradient_rule(small_config(**ANCHORED), model), AnchoredGradients)


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


def test_learned_loss_weights_and_frozen_layers_stand_apart(start: Callable[..., TrainingRun]) -> None:
    sections = {**PCGRAD, **NO_DROPOUT, "loss": {"weighting": "uncertainty"}}
    run = start(**sections)
    word_embeddings = run.model.encoder("sst").embeddings.word_embeddings.weight
    word_embeddings.requires_grad_(False)
    run.gradients = make_gradient_rule(run.config, run.model)
    for task in TASKS:
        loss = run.model(run.tasks[task].next_batch(4)).square().mean()
        run.gradients.add(task, run.weighting.weigh(task, loss, run.progress))
        s = run.weighting.parameters[TASKS.index(task)]
        gradient = 0.5 - run.config.loss_weight(task) * loss.item()
        assert s.grad is not None
        assert s.grad.item() == pytest.approx(gradient, rel=1e-4)
    run.gradients.combine(0)
    assert word_embeddings.grad is None
    assert run.model.encoder("sst").embeddings.LayerNorm.weight.grad is not None


def test_the_combined_gradient_is_what_is_clipped(start: Callable[..., TrainingRun]) -> None:
    """Wrong: tasks clipped before they are compared come out in another direction, longer than the bound."""
    free = gradients_of_a_step(start("free", **PCGRAD, **NO_DROPOUT, optim={"clip_norm": None}))
    clipped = gradients_of_a_step(start("clipped", **PCGRAD, **NO_DROPOUT, optim={"clip_norm": 0.01}))
    flat, flat_clipped = (torch.cat([g.flatten() for g in seen.values()]) for seen in (free, clipped))
    assert flat.norm() > 0.02
    assert flat_clipped.norm().item() == pytest.approx(0.01, rel=1e-4)
    assert torch.allclose(flat_clipped / 0.01, flat / flat.norm(), atol=1e-5)


@pytest.mark.parametrize("sections", [PCGRAD, ANCHORED, {**ANCHORED, "optim": {"accumulate": 2}}])
def test_a_resumed_run_goes_on_to_the_same_bits(start: Callable[..., TrainingRun], sections: dict[str, Any]) -> None:
    whole = start("whole", **sections)
    for _ in range(8):
        whole.step()
    halves = start("halves", **sections)
    halves.resume()
    for _ in range(4):
        halves.step()
    halves.save()
    rest = start("halves", **sections)
    rest.resume()
    for _ in range(4):
        rest.step()
    weights = whole.model.state_dict()
    assert all(torch.equal(weight, weights[name]) for name, weight in rest.model.state_dict().items())
    plain = start("plain", **{k: v for k, v in sections.items() if k != "gradients"})
    for _ in range(8):
        plain.step()
    assert any(not torch.equal(weight, weights[name]) for name, weight in plain.model.state_dict().items())


def test_a_small_step_of_pcgrad_helps_both_tasks_where_the_sum_harms_one(start: Callable[..., TrainingRun]) -> None:
    """A real encoder under two tasks of which one, besides labels of its own, gains from the loss of the other."""
    run = start(tasks=("sst", "para"), **{**NO_DROPOUT, "heads": {"sst": {"dropout": 0.0}}})
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


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_run_tells_its_rule_the_number_of_every_update(
    start: Callable[..., TrainingRun], monkeypatch: pytest.MonkeyPatch, accumulate: int
) -> None:
    """Wrong: always 0, where PCGrad would visit the tasks in the same order in every update; or turns, not updates."""
    sections = {**PCGRAD, "optim": {"accumulate": accumulate}}
    seen = []

    def watched() -> TrainingRun:
        run = start("watched", **sections)
        combine = run.gradients.combine

        def see(step: int) -> None:
            seen.append(step)
            combine(step)

        monkeypatch.setattr(run.gradients, "combine", see)
        run.resume()
        return run

    for updates in (3, 2):  # the second run goes on where the first was saved
        run = watched()
        for _ in range(updates):
            run.step()
        run.save()
    assert seen == [0, 1, 2, 3, 4]


def test_taking_gradients_leaves_none_behind() -> None:
    model = Model(2)
    gradients = TaskGradients(model)  # type: ignore[arg-type]
    gradients.add("a", model.loss([[1, 2]]))
    assert model.grads == [None]
    assert list(gradients.take()) == ["a"]
    assert gradients.take() == {}
