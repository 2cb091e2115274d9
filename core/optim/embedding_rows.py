"""Update only those rows of an embedding table that a batch looks up."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch import Tensor, nn

from core.optim.adamw import AdamW, Group

__all__ = ["EmbeddingRows"]

_BLOCK: Final = 4096  # rows that make up at a time, for the memory's sake
_FORGOTTEN: Final = 1e-8  # share of a momentum, far below what float32 shows in a weight


class EmbeddingRows:
    """AdamW on a table of V rows, at the cost of the rows that are looked up.

    A batch looks up a few hundred of 30,000 rows, but AdamW also moves every other row: by its momentum, and by weight
    decay. Here a row makes up for the steps that it has missed when it is next looked up in training, or in
    :meth:`settled`, all at once. With the row's weight w, momentum m and second moment v after its last update, step
    s, AdamW without a gradient brings it until step t to

        w D_t / D_s - m sum_i (D_t / D_i) a_i y_i / (sqrt(v) + epsilon y_i),    i = s + 1, ..., t

    with D the product of the decay factors until a step, a_i = lr_i beta1^(i-s) / (1 - beta1^i), and y_i =
    sqrt(1 - beta2^i) / beta2^((i-s)/2). All of these are the same for the whole row but v, so the sum over i is
    replaced by one over two nodes y with the same first four moments: Gauss's quadrature (Golub and Welsch 1969). It
    is exact up to the third order of epsilon y / sqrt(v), and for one or two missed steps. Where gradients are as small
    as epsilon, the error is at most some hundredths of an update.

    Args:
        table: its gradients become sparse; on the CPU.
        optimiser: keeps the moments and the step count in its state, like those of any other parameter; with beta1 <
            beta2^2.
    """

    def __init__(self, table: nn.Embedding, optimiser: AdamW) -> None:
        table.sparse = True
        table.register_forward_pre_hook(self._before_lookup)
        self._weight, self._optimiser = _parameter(table), optimiser
        self._group = _group_of(self._weight, optimiser)
        beta1, _ = optimiser.betas
        self._memory = math.ceil(math.log(_FORGOTTEN) / math.log(beta1)) if beta1 else 0  # steps of a momentum
        self._updated = torch.zeros(table.num_embeddings, dtype=torch.int64)  # the step that a row is at
        self._now = 0
        self._is_settled = False
        # By step s: D_s, and the sums over i > s of (1 / D_i) a_i y_i^p for p = 0, 1, 2, 3.
        self._past = _steps_to_come()
        self._past[0, 0] = 1

    @torch.no_grad()
    def step(self) -> None:
        """Update the rows by the table's gradient and drop it; a dense gradient is left to the optimiser."""
        gradient = self._weight.grad
        if gradient is None:  # AdamW passes over a parameter without a gradient, and does not count the step
            return
        if gradient.is_sparse:
            self._weight.grad = None
            gradient = gradient.coalesce()
            rows = gradient.indices()[0]
            self._make_up(rows)
            self._update(rows, gradient.values())
            self._updated[rows] = self._now + 1
        else:
            self._make_up(torch.arange(len(self._updated)))
            self._updated.fill_(self._now + 1)
        self._count_step()

    @contextmanager
    def settled(self) -> Iterator[None]:
        """Bring all rows up to date while the table is read as a whole.

        Afterwards the rows are as before: what is made up for in two parts is rounded twice, and training must not
        depend on how often dev is scored. Nothing may be trained meanwhile.
        """
        assert not self._is_settled, "rows would make up for the same steps twice"
        blocks = torch.split(self._weight.detach(), _BLOCK)
        before = [block.clone() for block in blocks]  # in the memory that gradients have left
        with torch.no_grad():
            for rows in torch.split(torch.arange(len(self._weight)), _BLOCK):
                self._make_up(rows, for_good=False)
        self._is_settled = True
        try:
            yield
        finally:
            self._is_settled = False
            for block, saved in zip(blocks, before, strict=True):
                block.copy_(saved)

    def state_dict(self) -> dict[str, Any]:
        """Return the steps that rows are at, and what they have missed; the table itself is saved as it is."""
        return {"updated": self._updated, "now": self._now, "past": self._past}

    def accepts(self, state: Mapping[str, Any] | None) -> bool:
        """Return whether the state can be loaded; one version kept other facts about rows."""
        return state is None or state.keys() == self.state_dict().keys()

    def load_state_dict(self, state: dict[str, Any] | None) -> None:
        """Restore what :meth:`state_dict` returned; None: the state of an AdamW that updated all rows."""
        if state is None:
            self._now = int(self._optimiser.moments(self._weight)["step"])
            self._updated.fill_(self._now)
            self._past = _steps_to_come(self._now)
            self._past[0, self._now] = 1
            return
        self._updated.copy_(state["updated"])
        self._now, self._past = state["now"], state["past"].clone()

    def _before_lookup(self, table: nn.Module, inputs: tuple[Tensor]) -> None:
        if table.training:
            assert not self._is_settled, "rows would make up for the same steps twice"
            with torch.no_grad():
                self._make_up(torch.unique(inputs[0]))

    def _count_step(self) -> None:
        """Add this step to the sums of those before it that have a momentum left."""
        self._now += 1
        if self._now == self._past.shape[1]:
            self._past = torch.cat([self._past, _steps_to_come()], 1)
        now, past, group = self._now, self._past, self._group
        beta1, beta2 = self._optimiser.betas
        past[0, now] = past[0, now - 1] * (1 - group.learning_rate * group.weight_decay)
        since = max(0, now - self._memory)
        missed = now - torch.arange(since, now, dtype=torch.float64)
        share = group.learning_rate * beta1**missed / (1 - beta1**now) / past[0, now]
        node = math.sqrt(1 - beta2**now) / beta2 ** (missed / 2)
        for power, sums in enumerate(past[1:, since:now]):
            sums += share * node**power

    def _make_up(self, rows: Tensor, for_good: bool = True) -> None:
        """Bring distinct rows (u,), and ``for_good`` their moments too, up to the last step."""
        rows = rows[self._updated[rows] < self._now]
        if not len(rows):
            return
        moments, dtype = self._optimiser.moments(self._weight), self._weight.dtype
        # Rows at the same step have missed the same.
        steps, place = torch.unique(self._updated[rows], return_inverse=True)

        def by_row(of_steps: Tensor) -> Tensor:
            return of_steps.to(dtype)[place, None]  # (u, 1)

        root, change = moments["exp_avg_sq"][rows].sqrt_(), torch.zeros(len(rows), self._weight.shape[1], dtype=dtype)
        for share, node in _two_nodes(self._past[1:, steps]) if self._memory else ():
            change += by_row(share * node * self._past[0, self._now]) / (root + by_row(self._optimiser.epsilon * node))
        change *= moments["exp_avg"][rows]
        self._weight[rows] = self._weight[rows] * by_row(self._past[0, self._now] / self._past[0, steps]) - change
        if for_good:
            for name, beta in zip(("exp_avg", "exp_avg_sq"), self._optimiser.betas, strict=True):
                moments[name][rows] *= by_row(beta ** (self._now - steps).to(torch.float64))
            self._updated[rows] = self._now

    def _update(self, rows: Tensor, gradient: Tensor) -> None:
        """Update these rows (u,) by a gradient (u, H)."""
        moments = self._optimiser.moments(self._weight)
        tables = {"weight": self._weight.detach(), **{name: moments[name] for name in ("exp_avg", "exp_avg_sq")}}
        of_rows = {name: table.index_select(0, rows) for name, table in tables.items()}
        of_rows["step"] = moments["step"]  # counted up
        self._optimiser.update(self._group, [of_rows["weight"]], [gradient], [of_rows])
        for name, table in tables.items():
            table.index_copy_(0, rows, of_rows[name])


def _parameter(table: nn.Embedding) -> nn.Parameter:
    assert isinstance(table.weight, nn.Parameter)  # torch declares it as a tensor
    return table.weight


def _group_of(parameter: nn.Parameter, optimiser: AdamW) -> Group:
    return next(group for group in optimiser.groups if any(one is parameter for one in group.parameters))


def _steps_to_come(passed: int = 0) -> Tensor:
    return torch.zeros(5, passed + 1024, dtype=torch.float64)


def _two_nodes(sums: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Return two weighted nodes (s,) whose moments 0 to 3 are the given sums (4, s)."""
    whole = sums[0].clamp(min=torch.finfo(sums.dtype).tiny)
    # If all missed steps had a rate of 0, any node will do but 0, by which epsilon would not count.
    first, second, third = torch.where(sums[0] > 0, sums[1:] / whole, 1.0)
    variance = second - first**2
    variance[variance < 1e-11 * first**2] = 0  # one node, up to rounding
    skewness = torch.where(variance > 0, (third - 3 * first * second + 2 * first**3) / variance**1.5, 0)
    spread = (1 + skewness**2 / 4).sqrt()
    return [
        (sums[0] * (1 - sign * skewness / (2 * spread)) / 2, first + variance.sqrt() * (skewness / 2 + sign * spread))
        for sign in (1, -1)
    ]
