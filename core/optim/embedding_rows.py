"""Update only those rows of an embedding table that AdamW would change."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

__all__ = ["EmbeddingRows"]

_NEVER: Final = -(1 << 40)  # as the step of a row's last gradient
_FORGOTTEN: Final = 1e-8  # share of a momentum, far below what float32 shows in a weight


class EmbeddingRows:
    """AdamW on a table of V rows, at the cost of the rows that were seen lately.

    A batch looks up a few hundred of 30,000 rows, but AdamW also moves every other row: by its momentum, and by weight
    decay. Momentum falls by beta1 at every step; rows without a gradient for so long that 1e-8 of it is left (175
    steps for .9) rest. A resting row only decays, and the product of the factors that it has missed is applied when it
    is next looked up in training, or in :meth:`settled`. Its moments are brought up to date when it has a gradient
    again. The result differs from that of updating all rows by the rest of the momentum, 1e-8 / sqrt(1 - beta2) of an
    update, 3e-7 for .999.

    Args:
        table: its gradients become sparse; on the CPU.
        optimiser: keeps the moments and the step count in its state, like those of any other parameter.
    """

    def __init__(self, table: nn.Embedding, optimiser: torch.optim.AdamW) -> None:
        table.sparse = True
        table.register_forward_pre_hook(self._before_lookup)
        self._weight, self._optimiser = table.weight, optimiser
        beta1 = self._group["betas"][0]
        self._memory = math.ceil(math.log(_FORGOTTEN) / math.log(beta1)) if beta1 else 0
        self._last = torch.full((table.num_embeddings,), _NEVER, dtype=torch.int64)  # the step of the last gradient
        self._decay = 1.0  # the product of all steps' factors
        self._decayed = torch.ones(table.num_embeddings, dtype=torch.float64)  # what of it a resting row has

    @torch.no_grad()
    def step(self) -> None:
        """Update the rows by the table's gradient and drop it; a dense gradient is left to the optimiser."""
        gradient = self._weight.grad
        if gradient is None:
            return
        moments = self._moments()
        now = int(moments["step"]) + 1
        self._decayed[self._last == now - self._memory - 1] = self._decay  # these begin to rest
        if gradient.is_sparse:
            self._weight.grad = None
            gradient = gradient.coalesce()
            rows, values = gradient.indices()[0], gradient.values()
            self._wake(rows, now, moments)
            active = (self._last >= now - self._memory).nonzero().squeeze(1)
            everywhere = values.new_zeros(len(active), values.shape[1])
            everywhere[torch.searchsorted(active, rows)] = values
            self._update(active, everywhere, moments)
        else:
            self._wake(torch.arange(len(self._last)), now, moments)
        self._decay *= 1 - self._group["lr"] * self._group["weight_decay"]

    @contextmanager
    def settled(self) -> Iterator[None]:
        """Bring all rows up to date while the table is read as a whole.

        Afterwards the rows are as before: decay that is applied in two parts is rounded twice, and training must not
        depend on how often dev is scored.
        """
        weight, decayed = self._weight.detach().clone(), self._decayed.clone()
        with torch.no_grad():
            self._apply_decay(self._resting(torch.arange(len(self._last))))
        try:
            yield
        finally:
            with torch.no_grad():
                self._weight.copy_(weight)
            self._decayed.copy_(decayed)

    def state_dict(self) -> dict[str, Any]:
        """Return which rows rest, and what they have missed; the table itself is saved as it is."""
        return {"last": self._last, "decay": self._decay, "decayed": self._decayed}

    def load_state_dict(self, state: dict[str, Any] | None) -> None:
        """Restore what :meth:`state_dict` returned; None: the state of an AdamW that updated all rows."""
        if state is None:
            self._last.fill_(self._step)
            return
        self._last.copy_(state["last"])
        self._decayed.copy_(state["decayed"])
        self._decay = state["decay"]

    @property
    def _group(self) -> dict[str, Any]:
        """Return the optimiser's group that the table is in; loading a state replaces it."""
        groups = self._optimiser.param_groups
        return next(group for group in groups if any(entry is self._weight for entry in group["params"]))

    @property
    def _step(self) -> int:
        """Return the number of updates so far."""
        state = self._optimiser.state
        return int(state[self._weight]["step"]) if self._weight in state else 0

    def _moments(self) -> dict[str, Tensor]:
        """Return the table's entry in the optimiser's state, in torch's format."""
        moments: dict[str, Tensor] = self._optimiser.state[self._weight]
        if not moments:
            moments["step"] = torch.zeros((), dtype=torch.float32)
            moments["exp_avg"], moments["exp_avg_sq"] = torch.zeros_like(self._weight), torch.zeros_like(self._weight)
        return moments

    def _before_lookup(self, table: nn.Module, inputs: tuple[Tensor]) -> None:
        if table.training:
            with torch.no_grad():
                self._apply_decay(self._resting(torch.unique(inputs[0])))

    def _resting(self, rows: Tensor) -> Tensor:
        return rows[self._last[rows] < self._step - self._memory]

    def _apply_decay(self, resting: Tensor) -> None:
        """Apply the weight decay that these rows have missed."""
        resting = resting[self._decayed[resting] != self._decay]
        if len(resting):
            missed = (self._decay / self._decayed[resting]).to(self._weight.dtype)
            self._weight[resting] *= missed[:, None]
            self._decayed[resting] = self._decay

    def _wake(self, rows: Tensor, now: int, moments: dict[str, Tensor]) -> None:
        """Bring rows (u,) with a gradient in this step, and their moments, up to the previous step."""
        waking = self._resting(rows)
        self._apply_decay(waking)
        missed = now - 1 - self._memory - self._last[waking]  # steps
        for name, beta in zip(("exp_avg", "exp_avg_sq"), self._group["betas"], strict=True):
            moments[name][waking] *= (beta ** missed.to(self._weight.dtype))[:, None]
        self._last[rows] = now

    def _update(self, rows: Tensor, gradient: Tensor, moments: dict[str, Tensor]) -> None:
        """Update these rows (a,) by a gradient (a, H)."""
        group = self._group
        whole = self._weight, moments["exp_avg"], moments["exp_avg_sq"]
        weight, mean, square = (tensor.index_select(0, rows) for tensor in whole)
        adamw(
            [weight],
            [gradient],
            [mean],
            [square],
            [],
            [moments["step"]],  # counted up here
            fused=True,
            amsgrad=False,
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            maximize=False,
        )
        for tensor, updated in zip(whole, (weight, mean, square), strict=True):
            tensor.index_copy_(0, rows, updated)
