"""Regularise outputs to be smooth in the word embeddings (SMART, Jiang et al. 2020, arXiv:1911.03437, section 3.1)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from core.config import RunConfig, SmartConfig
from core.model.forward_pass import ForwardPass
from core.techniques.technique import Technique

__all__ = ["Smoothness", "projected_step", "released_step"]


class Smoothness(Technique):
    """Adversarial penalty lambda_task * mean over the batch of max l_s(f(x~), f(x)), with |x~ - x|_inf <= epsilon.

    x are the word embeddings of an example's rows, l_s is the task loss's ``divergence``, and x~ starts at
    x + N(0, sigma^2) and takes ``steps`` ascent steps. All passes share their dropout masks, so that the penalty is 0
    if nothing is perturbed; except in bfloat16 on a CPU, they are those of the step's own pass. Gradients flow
    through both f(x~) and f(x), as in the paper's R_s; the released code treats each in turn as constant, which halves
    the gradient to first order, so that a lambda found with it corresponds to half of it here. (Its ascent uses a
    variant of the divergence in the logits of every single probability; ``mode = "released"`` uses l_s there too.)

    Float32 is precise enough for the tiny epsilon: with MiniLM the penalty and its gradient are within .2 % of float64
    at epsilon = 1e-5, and within 1 % (in direction, cos = .999) at 1e-6. bfloat16 rounds such changes away, so under
    autocast the clean pass is repeated in float32 for the comparison, and a step costs one more pass.

    Args:
        config: lambda of every task, mode, and the settings of the ascent.
    """

    def __init__(self, config: SmartConfig) -> None:
        self._config = config
        self._step: Callable[[Tensor, Tensor, float, float], Tensor] = _STEPS[config.mode]

    @classmethod
    def from_config(cls, config: RunConfig) -> Smoothness | None:
        """Build the technique, or return None if no task has a lambda above 0."""
        return cls(config.smart) if any(config.smart.weight.values()) else None

    def penalty(self, forward: ForwardPass) -> Tensor | None:
        """Return lambda * mean divergence, (); None, without a pass, for a task whose lambda is 0."""
        task = forward.batch.task
        weight = self._config.weight.get(task, 0.0)
        if not weight:
            return None
        device = forward.outputs.device.type
        reduced = torch.is_autocast_enabled(device)
        with torch.autocast(device, enabled=False):
            clean = forward.repeat() if reduced else forward.outputs
            words = forward.model.embed_words(forward.batch)  # (R, T, H)
            change = self._worst_change(forward, words.detach(), clean.detach())
            moved = forward.repeat(word_embeddings=words + change)
            return weight * forward.model.losses[task].divergence(moved, clean)

    def _worst_change(self, forward: ForwardPass, words: Tensor, clean: Tensor) -> Tensor:
        """Return x~ - x, (R, T, H), 0 at padded positions; arguments and result are constants for autograd."""
        config, batch = self._config, forward.batch
        divergence = forward.model.losses[batch.task].divergence
        change = torch.zeros_like(words)
        # Drawn only for real tokens, so that the numbers do not depend on the padding.
        noise = torch.randn(len(batch.input_ids), words.shape[-1], dtype=words.dtype, device=words.device)
        change[batch.padded().attention_mask] = config.sigma * noise
        for _ in range(config.steps):
            change.requires_grad_()
            away = divergence(forward.repeat(word_embeddings=words + change), clean)
            # The sum over the batch, so that how far an example moves does not depend on the batch size. The gradient
            # is computed for the change only, so that parameters neither get one nor cost time.
            (gradient,) = torch.autograd.grad(len(batch) * away, change)
            change = self._step(change.detach(), gradient, config.step_size, config.epsilon)
        return change


def projected_step(change: Tensor, gradient: Tensor, eta: float, epsilon: float) -> Tensor:
    """Take an ascent step as in the paper (algorithm 1, lines 7 and 8): change + eta g / |g|_inf, then project.

    Args:
        change: x~ - x, (R, T, H).
        gradient: g, the gradient of the divergence, (R, T, H); the norm is taken per row. A row with norm 0 stays.
        eta: step size.
        epsilon: radius of the infinity-norm ball.

    Returns:
        (R, T, H), within [-epsilon, epsilon].
    """
    norm = gradient.abs().amax(dim=(-2, -1), keepdim=True)  # (R, 1, 1)
    smallest = torch.finfo(gradient.dtype).tiny  # 0 / 0 would be NaN
    return (change + eta * gradient / norm.clamp_min(smallest)).clamp(-epsilon, epsilon)


def released_step(change: Tensor, gradient: Tensor, eta: float, epsilon: float) -> Tensor:
    """Take a step as in the authors' code: add the raw gradient, then divide every token's change m by |m|_inf.

    epsilon is not a bound here; it only guards the division. For a change as small as the noise the gradient is small
    too, and eta g is negligible compared with the noise: the step enlarges the random change and hardly turns it.

    Args:
        change: x~ - x, (R, T, H).
        gradient: gradient of the sum over the batch, (R, T, H).
        eta: step size.
        epsilon: added to the infinity norm of a token's new change.

    Returns:
        (R, T, H), with infinity norm |m| / (|m| + epsilon) at every token: below 1, and .95 with the code's own values.
    """
    moved = change + eta * gradient
    return moved / (moved.abs().amax(dim=-1, keepdim=True) + epsilon)  # norm (R, T, 1)


_STEPS: dict[str, Callable[[Tensor, Tensor, float, float], Tensor]] = {
    "paper": projected_step,
    "released": released_step,
}
