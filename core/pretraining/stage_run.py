"""Train one stage."""

from __future__ import annotations

import zlib
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.config import ComputeConfig
from core.model.bert import Bert
from core.model.randomness import named_generator, random_state, restore_random_state
from core.pretraining.objectives.distinct_stream import DistinctStream
from core.pretraining.objectives.objective import StageEncoder
from core.pretraining.stage import Stage
from core.pretraining.stage_optimiser import StageOptimiser
from core.run.errors import DivergedError
from core.run.loss_log import LossLog
from core.run.progress import Progress
from data.errors import UserError
from data.example_stream import ExampleStream

__all__ = ["StageRun"]

_PARTS = 10  # points of the loss curve


class StageRun:
    """The state of a stage in training, and the steps that change it.

    All random numbers come from (seed, stage): batches, masks, new layers, and dropout through torch's own generators,
    which are seeded here.

    Args:
        stage: the stage to train.
        bert: the encoder to start from; it is trained in place.
        seed: seed of the run.
        compute: gives the precision.
        device: where to train.

    Raises:
        UserError: if the stage's data cannot be made, or do not fill a single batch.
    """

    def __init__(self, stage: Stage, bert: Bert, seed: int, compute: ComputeConfig, device: torch.device) -> None:
        self._stage, self._seed, self._device = stage, (seed, zlib.crc32(stage.name.encode())), device
        self.data = stage.make_data()
        objective = stage.make_objective(bert.config, named_generator(seed, f"pretraining.{stage.name}"))
        self._model = nn.ModuleDict({"bert": bert, "objective": objective}).to(device).train()
        self._bert, self.objective = bert, objective
        self.encoder = StageEncoder(bert, compute, device)
        self._optimiser = StageOptimiser(stage.config, self._model)
        self._stream: DistinctStream | ExampleStream
        if stage.in_batch_negatives:
            self._stream = DistinctStream(self.data.table, seed, stage.name)
        else:
            self._stream = ExampleStream(self.data.lengths, seed, stage.name)
        self._losses = LossLog()
        self.progress = Progress(0, 0, stage.config.examples, _PARTS)
        self.curve: dict[str, float] = {}  # examples seen -> mean loss since the point before
        torch.manual_seed(named_generator(seed, f"pretraining.{stage.name}.dropout").initial_seed())

    @property
    def finished(self) -> bool:
        """Return whether the planned examples have been seen."""
        return self.progress.examples >= self.progress.planned

    def step(self) -> None:
        """Take one update, on one batch.

        Raises:
            DivergedError: if a loss is NaN or infinite.
        """
        try:
            positions = self._stream.next(self._stage.config.batch_size)
        except ValueError as error:
            raise UserError(f"pretraining.{self._stage.name}: {error}; try a smaller batch_size") from error
        rng = np.random.default_rng([*self._seed, self.progress.step])
        loss = self.objective.loss(self.encoder, self.data.batch(positions), rng)
        self._losses.add(self.progress.step, self._stage.name, loss)
        torch.autograd.backward(loss)
        self._optimiser.step(self.progress, len(positions))
        self._advance(len(positions))

    def _advance(self, examples: int) -> None:
        part = self.progress.epoch
        self.progress = self.progress.after(examples)
        if self.finished or self.progress.epoch != part:
            self._losses.read()
            self.curve[str(self.progress.examples)] = self._losses.means()[self._stage.name]
            self._losses.clear()

    def weights(self) -> dict[str, Tensor]:
        """Return the encoder's weights, on the CPU; the objective's layers are dropped.

        Raises:
            DivergedError: if one of them is NaN or infinite.
        """
        self._losses.read()
        weights = {name: weight.detach().cpu().contiguous() for name, weight in self._bert.state_dict().items()}
        for name, weight in weights.items():
            if not bool(weight.isfinite().all()):
                raise DivergedError(
                    f"weight '{name}' is not finite after stage {self._stage.name}; try a lower learning rate"
                )
        return weights

    def state_dict(self) -> dict[str, Any]:
        """Return everything that a resumed stage needs to continue bit for bit."""
        return {
            "progress": asdict(self.progress),
            "losses": self._losses.state_dict(),
            "curve": self.curve,
            "random": random_state(self._device),
            "model": self._model.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "stream": dict(self._stream.state_dict()),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned."""
        self._model.load_state_dict(state["model"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._stream.load_state_dict(state["stream"])
        self._losses.load_state_dict(state["losses"])
        self.curve = state["curve"]
        restore_random_state(state["random"], self._device)
        self.progress = Progress(**state["progress"])
