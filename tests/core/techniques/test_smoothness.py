"""SMART: the penalty is that of the worst small change of the word embeddings, and of nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from core.config import RunConfig, SmartConfig
from core.inputs.resources import Resources
from core.model.forward_pass import ForwardPass
from core.run.run_folder import RunFolder
from core.techniques import make_techniques
from core.techniques.smoothness import Smoothness, projected_step, released_step
from core.trainer import TrainingRun
from tests.core.conftest import MakeConfig
from tests.core.techniques.smart_cases import (
    Case,
    Recorder,
    WiderBatch,
    cosine,
    every_mode,
    every_shape,
    twice,
    vars_of,
)


def test_a_projected_step_by_hand() -> None:
    """eta 1, epsilon .5: the first row's |g|_inf is 4, the second's .2; a row without gradient stays as it is."""
    change = torch.tensor([[[0.1, 0.0], [0.0, -0.3]], [[0.0, 0.0], [0.2, 0.0]], [[0.4, -0.1], [0.0, 0.0]]])
    gradient = torch.tensor([[[1.0, 0.0], [-4.0, 2.0]], [[0.02, 0.0], [0.2, -0.06]], [[0.0, 0.0], [0.0, 0.0]]])
    expected = torch.tensor([[[0.35, 0.0], [-0.5, 0.2]], [[0.1, 0.0], [0.5, -0.3]], [[0.4, -0.1], [0.0, 0.0]]])
    assert torch.allclose(projected_step(change, gradient, eta=1.0, epsilon=0.5), expected)


def test_a_released_step_by_hand() -> None:
    """eta .5, epsilon .25: the tokens become (.4, -.3) / (.4 + .25) and (0, 1) / (1 + .25); a token of zeros stays."""
    change, gradient = torch.tensor([[[0.1, 0.2], [0, 0], [0, 0]]]), torch.tensor([[[0.6, -1.0], [0, 2.0], [0, 0]]])
    expected = torch.tensor([[[0.4 / 0.65, -0.3 / 0.65], [0.0, 0.8], [0.0, 0.0]]])
    assert torch.allclose(released_step(change, gradient, eta=0.5, epsilon=0.25), expected)


@every_shape
@every_mode
def test_the_penalty_is_that_of_the_algorithm(make: Callable[..., Case], shape: str, mode: str) -> None:
    """Two ascent steps repeated in float64, with the formulas of both kinds of tasks. Catches sums over the batch."""
    case = make(shape)
    case.model.double()
    numbers = {"epsilon": 1e-3, "sigma": 5e-4, "step_size": 2e-3}
    penalty, seen = case.penalty(weight=3.0, mode=mode, steps=2, **numbers)
    step = {"paper": projected_step, "released": released_step}[mode]
    change = seen.changes[0]
    for _ in range(2):
        change = step(change, seen.gradient(change), 2e-3, 1e-3)
    with torch.no_grad():
        moved = super(Recorder, seen).repeat(word_embeddings=case.model.embed_words(case.batch) + change)
    if case.batch.task == "sts":
        expected = ((5 * moved.sigmoid() - 5 * seen.outputs.sigmoid()) ** 2).mean()
    else:
        p, q = moved.softmax(-1), seen.outputs.softmax(-1)
        expected = ((p * (p / q).log()).sum(-1) + (q * (q / p).log()).sum(-1)).mean()
    assert expected > 1e-9
    assert penalty.item() == pytest.approx(3.0 * expected.item(), rel=1e-6)


@every_shape
def test_a_change_of_nothing_costs_nothing_with_dropout_on(make: Callable[..., Case], shape: str) -> None:
    """Catches clean and noisy passes with masks of their own: they differ without any noise."""
    case = make(shape)
    penalty, forward = case.penalty(sigma=1e-30, epsilon=1e-30)
    assert penalty == 0.0
    assert case.divergence(forward.repeat_with_fresh_dropout(), forward.outputs) > 1e-3


@every_shape
@pytest.mark.parametrize("training", [True, False])
def test_the_papers_change_follows_the_gradient_within_epsilon(
    make: Callable[..., Case], shape: str, training: bool
) -> None:
    """With the paper's own numbers. Catches an epsilon that is not a bound, and ascent that follows the noise.

    eta is 100 epsilon: beyond a hundredth of the row's largest gradient every number ends at epsilon.
    """
    case = make(shape)
    case.model.train(training)
    _, seen = case.penalty()
    start, change = seen.changes
    gradient = seen.gradient(start)
    assert change.abs().max().item() == pytest.approx(1e-5, rel=1e-3)
    large = gradient.abs() > 0.05 * gradient.abs().amax((-2, -1), keepdim=True)
    assert large.float().mean() > 0.2
    assert torch.allclose(change[large], 1e-5 * gradient[large].sign(), rtol=2e-3)
    assert cosine(change, gradient) > 0.5
    assert abs(cosine(change, start)) < 0.2


@every_shape
def test_the_released_change_follows_the_noise(make: Callable[..., Case], shape: str) -> None:
    """The trap of the authors' code, kept for comparison: about 1 in size and no adversary (dropout is off).

    With the code's own numbers; a projection, or the paper's normalised gradient, would fail here.
    """
    case = make(shape)
    case.model.eval()
    _, seen = case.penalty(mode="released", epsilon=1e-6)
    start, change = seen.changes
    mask = case.batch.padded().attention_mask
    assert (change.abs().amax(-1)[mask] > 0.9).all()
    assert change.abs().max() < 1.001
    assert cosine(change, start) > 0.9  # each token is stretched by a factor of its own
    assert abs(cosine(change, seen.gradient(start))) < 0.2


@every_shape
def test_the_penalty_exceeds_that_of_random_changes_of_equal_norm(make: Callable[..., Case], shape: str) -> None:
    """The proof that the ascent works: fifty random corners of the same cube are all milder by far."""
    case = make(shape)
    penalty, seen = case.penalty()
    words = case.model.embed_words(case.batch)
    mask = case.batch.padded().attention_mask[:, :, None]
    milder = []
    with torch.no_grad():
        for _ in range(50):
            corner = 1e-5 * torch.randn_like(words).sign() * mask
            milder.append(case.divergence(seen.repeat(word_embeddings=words + corner), seen.outputs).item())
    assert penalty.item() > 5 * max(milder)


@every_shape
def test_more_steps_find_a_worse_change(make: Callable[..., Case], shape: str) -> None:
    """With steps too small to reach the bound in one; also counts the passes: no clean pass is repeated."""
    case = make(shape)
    numbers = {"epsilon": 1e-2, "sigma": 1e-3, "step_size": 2e-3}
    found = {steps: case.penalty(steps=steps, **numbers) for steps in (1, 4)}
    assert found[4][0] > 2 * found[1][0]
    assert {steps: forward.count for steps, (_, forward) in found.items()} == {1: 3, 4: 6}


@every_shape
@every_mode
def test_padding_is_not_changed_and_does_not_matter(make: Callable[..., Case], shape: str, mode: str) -> None:
    case = make(shape)
    case.model.eval()  # with dropout, wider rows draw other masks
    penalty = case.penalty(mode=mode)[0]
    wider = Case(case.model, WiderBatch(**vars_of(case.batch), extra=3))
    same, seen = wider.penalty(mode=mode)
    padding = ~wider.batch.padded().attention_mask
    for change in seen.changes:
        assert (change[padding] == 0).all()
        assert (change[~padding] != 0).any(-1).all()
    assert same.item() == pytest.approx(penalty.item(), rel=1e-2)


@every_shape
@every_mode
def test_a_batch_twice_has_the_same_penalty(
    make: Callable[..., Case], shape: str, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mean and not a sum, in the penalty and in how far an example is moved; else lambda depends on the batch size.

    eta is large, so that the released step too depends on the size of the gradient.
    """
    case = make(shape)
    case.model.double().eval()  # with dropout, the second half has other masks
    noise = torch.randn(len(case.batch.input_ids), 16, dtype=torch.float64)
    monkeypatch.setattr(torch, "randn", lambda rows, _, **__: noise.repeat(rows // len(noise), 1))
    numbers = {"mode": mode, "epsilon": 1e-3, "sigma": 1e-3, "step_size": 1e-2 if mode == "paper" else 10.0}
    once, both = case.penalty(**numbers)[0], Case(case.model, twice(case.batch)).penalty(**numbers)[0]
    assert both.item() == pytest.approx(once.item(), rel=1e-9)


@every_mode
def test_float32_is_precise_enough(make: Callable[..., Case], mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Penalty and parameter gradient at the paper's epsilon against float64, with the same noise."""
    found = {}
    real = torch.randn
    monkeypatch.setattr(torch, "randn", lambda *size, dtype, device: real(*size, device=device).to(dtype))
    for dtype in (torch.float32, torch.float64):
        case = make("single", size=16)
        case.model.to(dtype).eval()
        penalty = case.penalty(mode=mode)[0]
        parameters = [p for name, p in case.model.named_parameters() if "pooler" not in name]
        gradient = torch.cat([g.flatten().double() for g in torch.autograd.grad(penalty, parameters)])
        found[dtype] = penalty.item(), gradient
    (single, gradient), (exact, reference) = found.values()
    assert exact > 0
    assert single == pytest.approx(exact, rel=1e-2)
    assert (gradient - reference).norm() < 0.02 * reference.norm()


@every_mode
def test_under_autocast_the_comparison_is_in_float32(make: Callable[..., Case], mode: str) -> None:
    """bfloat16 rounds a change of 1e-5 away. Also catches a clean pass in bfloat16 next to a moved one in float32."""
    case = make("cross pair")
    case.model.eval()
    penalty, plain = case.penalty(mode=mode)
    with torch.autocast("cpu", torch.bfloat16):
        same, forward = case.penalty(mode=mode)
        assert torch.is_autocast_enabled("cpu")
    assert not torch.equal(forward.outputs, plain.outputs)
    assert torch.equal(same, penalty)
    assert (plain.count, forward.count) == (3, 4)
    case.model.train()
    with torch.autocast("cpu", torch.bfloat16):
        assert case.penalty(sigma=1e-30, epsilon=1e-30)[0] == 0.0


def test_each_task_has_its_own_lambda(make: Callable[..., Case], small_config: MakeConfig) -> None:
    """The penalty is proportional to it; a task with 0, or without one, costs neither a pass nor a random number."""
    case = make("single")
    base = case.penalty(weight=1.0)[0]
    assert base > 0
    assert case.penalty(weight=2.5)[0].item() == pytest.approx(2.5 * base.item(), rel=1e-6)
    state = torch.get_rng_state()
    for weight in ({"sst": 0.0, "para": 3.0}, {"para": 3.0}):
        technique = Smoothness(SmartConfig(weight=weight))
        torch.set_rng_state(state)
        forward = ForwardPass(case.model, case.batch)
        after = torch.get_rng_state()
        assert technique.penalty(forward) is None
        assert forward.count == 1
        assert torch.equal(torch.get_rng_state(), after)
    assert "smoothness" not in make_techniques(small_config())
    assert "smoothness" in make_techniques(small_config(smart={"weight": {"sts": 1.0}}))


def test_the_ascent_leaves_no_gradient_and_the_penalty_reaches_every_weight(make: Callable[..., Case]) -> None:
    case = make("single")
    penalty, seen = case.penalty(epsilon=1e-3)
    assert all(parameter.grad is None for parameter in case.model.parameters())
    # Through both f(x~) and f(x): neither stands still for the other.
    for gradient in torch.autograd.grad(penalty, (seen.moved[-1], seen.outputs), retain_graph=True):
        assert gradient.abs().max() > 0
    table = case.model.encoder("sst").embeddings.word_embeddings.weight  # its rows are looked up for x~ too
    assert torch.autograd.grad(seen.moved[-1].square().sum(), table, retain_graph=True)[0].abs().max() > 0
    penalty.backward()
    for name, parameter in case.model.named_parameters():
        # softmax does not see the same number added to all keys, nor, mean over classes, the divergence.
        if "pooler" not in name and not name.endswith("key.bias"):
            assert parameter.grad is not None, name
            assert parameter.grad.abs().max() > 0, name


def test_the_encoder_may_be_frozen(make: Callable[..., Case]) -> None:
    case = make("single")
    case.model.encoder("sst").requires_grad_(False)
    penalty, seen = case.penalty()
    assert seen.changes[1].abs().max().item() == pytest.approx(1e-5, rel=1e-3)
    penalty.backward()
    gradient = case.model.heads["sst"].layers[-1].weight.grad
    assert gradient is not None
    assert gradient.abs().max() > 0


def trained(config: RunConfig, resources: Resources, folder: Path, examples: int) -> TrainingRun:
    run = TrainingRun(config, RunFolder(folder), resources)
    while run.progress.examples < examples:
        run.step()
    return run


def test_training_makes_outputs_smooth(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    """Outputs move less under random and under adversarial changes, also relative to how far they vary at all."""
    numbers = {"epsilon": 5e-3, "sigma": 1e-4, "step_size": 0.1}
    moved: dict[float, list[float]] = {}
    for weight in (0.0, 10.0):
        config = small_config(
            ("sst",),
            smart={"weight": {"sst": weight}, **numbers},
            budget={"examples": 2500, "batch_size": 20},
            optim={"learning_rate": 5e-3},
        )
        run = trained(config, resources, tmp_path / str(weight), 2500)
        assert run.forward_examples == 2500 * (3 if weight else 1)
        run.model.eval()
        case = Case(run.model, run.tasks["sst"].next_batch(100))
        adversarial, seen = case.penalty(**numbers)
        corner = 5e-3 * seen.changes[0].sign()
        random = case.divergence(seen.repeat(case.model.embed_words(case.batch) + corner), seen.outputs)
        spread = case.divergence(seen.outputs, seen.outputs.roll(1, 0))
        moved[weight] = [adversarial.item(), random.item(), (adversarial / spread).item()]
    assert all(smooth < 0.5 * plain for smooth, plain in zip(moved[10.0], moved[0.0], strict=True)), moved


@every_mode
def test_a_resumed_run_equals_an_uninterrupted_one(
    small_config: MakeConfig, resources: Resources, tmp_path: Path, mode: str
) -> None:
    """The noise comes from the generator that the trainer keeps."""
    config = small_config(smart={"weight": {"sst": 1.0, "sts": 2.0}, "mode": mode})
    whole = trained(config, resources, tmp_path / "whole", 260)
    first = TrainingRun(config, RunFolder(tmp_path / "parts"), resources)
    first.resume()
    for _ in range(6):
        first.step()
    first.save()
    torch.manual_seed(77)
    second = TrainingRun(config, RunFolder(tmp_path / "parts"), resources)
    second.resume()
    while second.progress.examples < 260:
        second.step()
    weights = second.model.state_dict()
    assert all(torch.equal(weight, weights[name]) for name, weight in whole.model.state_dict().items())
    assert whole.forward_examples == second.forward_examples
