"""Train one run, from a RunConfig to its artifact folder.

The loop picks the step's tasks, takes a batch of each, computes the losses, combines the gradients and updates. At
every rung it scores dev, writes a checkpoint and asks the observer whether to continue.
"""

from __future__ import annotations

import json
import warnings
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
import torch
from torch import Tensor

from core.batch_orders import make_order
from core.config import RunConfig
from core.fold_runs import train_folds
from core.frozen_features import FrozenFeatures
from core.gradients import make_gradient_rule
from core.inputs.pinned_data import check_pinned_data
from core.inputs.pinned_encoder import pinned_encoder
from core.inputs.resources import Resources, pick_device
from core.loss_weights import make_loss_weighting
from core.model.forward_pass import ForwardPass
from core.model.freezing import parameter_counts
from core.model.multitask import MultitaskBert, build_model, encoder_names
from core.model.randomness import random_state, restore_random_state
from core.model_files.kept_encoder import kept_encoder_files
from core.model_files.safetensors_writer import write_safetensors
from core.optim.optimiser import Optimiser
from core.pretraining import PretrainingInterruptedError, StageObserver, encoder_weights, in_examples
from core.run.checkpoint import load_checkpoint, save_checkpoint
from core.run.clock import RunClock
from core.run.cost import Cost
from core.run.errors import CheckpointError
from core.run.evaluation import Evaluation, best_evaluation
from core.run.loss_log import LossLog
from core.run.memory import PeakMemory
from core.run.outcome import RunOutcome
from core.run.precision import autocast, check_precision
from core.run.progress import Progress
from core.run.run_folder import RunFolder
from core.run_observer import NullRunObserver, RunObserver
from core.scoring import DevScores, score_dev
from core.techniques import make_techniques
from data.batching import Batch

__all__ = ["RunOutcome", "TrainingRun", "train"]


def train(config: RunConfig, folder: Path, resources: Resources, observer: RunObserver) -> RunOutcome:
    """Train to the end of the budget or until the observer stops the run.

    If the folder contains a checkpoint, training resumes from it. The observer then first sees all earlier evaluations
    again, in order, so that a kill between writing a checkpoint and reporting it loses nothing.

    Args:
        config: the run.
        folder: its artifact folder; see :class:`core.run.run_folder.RunFolder`.
        resources: shared by the runs of this process.
        observer: called at every step and rung.

    Raises:
        DivergedError: if a loss is NaN or infinite.
        UserError: if data or encoder cannot be used.
        MachineError: if the folder cannot be written to; the run can be resumed from its checkpoint.
    """
    torch.set_num_threads(config.compute.threads)
    if config.models > 1:
        return train_folds(config, folder, resources, observer, train)
    try:
        run = TrainingRun(config, RunFolder(folder), resources, observer)
    except PretrainingInterruptedError:
        return RunOutcome.INTERRUPTED
    run.resume()
    for evaluation in list(run.evaluations):
        if not observer.evaluated(evaluation):
            return RunOutcome.PRUNED
    while not run.finished:
        if run.at_rung:
            if not observer.evaluated(run.evaluate()):
                return RunOutcome.PRUNED
            continue  # a large batch may have reached the next rung too
        run.step()
        if not observer.stepped(run.progress.examples):
            run.save()
            return RunOutcome.INTERRUPTED
    return RunOutcome.FINISHED


class _Stateful(Protocol):
    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any], /) -> Any: ...


class TrainingRun:
    """The state of one run, and the steps that change it.

    Args:
        config: the run.
        folder: its artifact folder.
        resources: shared by the runs of this process.
        observer: called during the stages of further pretraining; None never stops them.
    """

    def __init__(
        self, config: RunConfig, folder: RunFolder, resources: Resources, observer: StageObserver | None = None
    ) -> None:
        torch.manual_seed(config.seed)
        self.config, self.folder = config, folder
        self.device = pick_device(config.compute.device)
        check_precision(config.compute, self.device)
        check_pinned_data(config, folder, resources)  # first: a vocabulary may be made from the data
        self.encoder = pinned_encoder(config, folder, resources)
        observer = observer or NullRunObserver()
        weights = encoder_weights(config, resources, observer)
        self._pretraining_examples = in_examples(config, resources).examples(encoder_names(config))
        self.model: MultitaskBert = build_model(config, self.encoder.config, None, weights).to(self.device)
        self.features = FrozenFeatures(config, self.model, resources.cache_dir, self.device)
        self.tasks = resources.task_data(config)
        self.order = make_order(config, {name: len(data.train) for name, data in self.tasks.items()})
        self.techniques = make_techniques(config)
        for technique in self.techniques.values():
            technique.prepare(self.model)
        for name, data in self.tasks.items():
            assert data.train.labels is not None, "training files without labels are refused when read"
            self.model.losses[name].prepare(np.asarray(data.train.labels))
        self.gradients = make_gradient_rule(config, self.model)
        self.weighting = make_loss_weighting(config, self.device)
        reads_weights = any(technique.reads_weights for technique in self.techniques.values())
        by_row = config.gradients.rule == "sum" and not reads_weights
        self.optimiser = Optimiser(config, self.model, self.weighting.parameters, by_row)
        self.losses = LossLog()
        self.progress = Progress(0, 0, config.budget.examples, config.budget.epochs)
        self.forward_examples = 0
        self.evaluations: list[Evaluation] = []
        self._clock, self._memory = RunClock(), PeakMemory(self.device)

    @property
    def finished(self) -> bool:
        """Return whether the last rung has been scored."""
        return len(self.evaluations) == len(self.config.rungs)

    @property
    def at_rung(self) -> bool:
        """Return whether the examples of the next rung have been seen."""
        return not self.finished and self.progress.examples >= self.config.rungs[len(self.evaluations)]

    def step(self) -> None:
        """Take one update, over as many turns of the batch order as gradients are accumulated over."""
        self.model.train()
        turns = self.config.optim.accumulate
        now, examples = self.progress, 0
        for turn in range(turns):
            position = now.at_turn(turn, turns, examples)
            if self.order.restarts(position):
                for data in self.tasks.values():
                    data.restart()
            for task in self.order.next(position):
                batch = self.features.look_up(self.tasks[task].next_batch(self.config.batch_size(task))).to(self.device)
                loss = self.weighting.weigh(task, self._loss(batch), now)
                self.gradients.add(task, loss * self.config.batch_share(task) / turns)
                examples += len(batch)
        self.gradients.combine(now.step)
        for technique in self.techniques.values():
            technique.before_update(self.model)
        self.optimiser.step(now, examples)
        self.progress = now.after(examples)
        for technique in self.techniques.values():
            technique.after_update(self.model, self.progress)

    def _loss(self, batch: Batch) -> Tensor:
        """Return the task's mean loss () on the batch, including the penalties of regularisers."""
        assert batch.labels is not None, "training files without labels are refused when read"
        with autocast(self.config.compute, self.device):
            forward = ForwardPass(self.model, batch)
            loss: Tensor = self.model.losses[batch.task].loss(forward.outputs, batch.labels)
            self.losses.add(self.progress.step, batch.task, loss)
            for technique in self.techniques.values():
                penalty = technique.penalty(forward)
                loss = loss if penalty is None else loss + penalty
        self.forward_examples += forward.count * len(batch)
        return loss

    def evaluate(self) -> Evaluation:
        """Score dev at the rung just reached, store predictions and the best weights, and write a checkpoint.

        The best weights are those of the rung with the best overall score on all dev examples, for all tasks. Where
        every task has its own encoder, each could keep its own best rung instead; it does not, so that both kinds of
        run select in the same way.
        """
        self.losses.read()
        speed = self._clock.examples_per_second(self.progress.examples)
        rung = self.config.rungs[len(self.evaluations)]
        with ExitStack() as weights:
            weights.enter_context(self.optimiser.settled())
            for technique in self.techniques.values():
                weights.enter_context(technique.evaluation_weights(self.model))
            share = self.config.dev_share(rung)
            scores = score_dev(self.model, self.config, self.tasks, self.device, share, self.features)
            evaluation = self._evaluation(rung, scores, speed)
            if self._is_best(evaluation):
                kept = kept_encoder_files(self.encoder.config, self.encoder.tokenizer)
                self.folder.write_best(self._write_model, kept, evaluation)
        self.folder.write_predictions(rung, scores.predictions)
        self.evaluations.append(evaluation)
        self.losses.clear()
        self.save()
        self.folder.write_metrics(self.evaluations)
        self._clock.begin_lap(self.progress.examples)
        return evaluation

    def _is_best(self, evaluation: Evaluation) -> bool:
        """Return whether to keep the weights that were just scored.

        Of a fold, they are those of the last rung: the rows that it is scored on must not choose among rungs.
        """
        if self.config.data.fold is not None:
            return evaluation.rung == self.config.rungs[-1]
        return evaluation.dev_share == 1.0 and best_evaluation([*self.evaluations, evaluation]) is evaluation

    def save(self) -> None:
        """Write everything that a resumed run needs to continue bit for bit."""
        state = {
            "config": self.config.digest,
            "content": self._digest_by_content,
            "progress": asdict(self.progress),
            "evaluations": [asdict(evaluation) for evaluation in self.evaluations],
            "forward_examples": self.forward_examples,
            "seconds": self._clock.seconds,
            "peak_memory_mib": self._memory.mib,
            "random": random_state(self.device),
            "parts": {name: part.state_dict() for name, part in self._parts().items()},
        }
        save_checkpoint(self.folder.checkpoint, state)

    def resume(self) -> None:
        """Continue from the folder's checkpoint; without a valid one of this config, start from the beginning."""
        self.folder.make()
        self.folder.write_config(self.config)
        if not self.folder.checkpoint.exists():
            return
        try:
            state = self._checkpoint()
        except CheckpointError as error:
            # Runs are deterministic: starting over costs time, not results.
            warnings.warn(f"{error}; the run starts over", stacklevel=2)
            return
        for name, part in self._parts().items():
            part.load_state_dict(state["parts"].pop(name))  # one after the other, for the memory's sake
        restore_random_state(state["random"], self.device)
        self.progress = Progress(**state["progress"])
        self.forward_examples = state["forward_examples"]
        self.evaluations = [Evaluation.from_dict(evaluation) for evaluation in state["evaluations"]]
        self._clock.resume(state["seconds"], self.progress.examples)
        self._memory.resume(state["peak_memory_mib"])
        self.folder.write_metrics(self.evaluations)  # a kill may have come between the checkpoint and these

    def _checkpoint(self) -> dict[str, Any]:
        """Load what :meth:`save` wrote last, and check it before any part of the run uses it."""
        path = self.folder.checkpoint
        state = load_checkpoint(path)
        if state.get("config") != self.config.digest and state.get("content") != self._digest_by_content:
            raise CheckpointError(f"{path}: the checkpoint belongs to another configuration")
        parts = state["parts"]
        if parts.keys() != self._parts().keys() or not self.optimiser.accepts(parts["optimiser"]):
            raise CheckpointError(f"{path}: the checkpoint was written by another version of this program")
        return state

    @property
    def _digest_by_content(self) -> str:
        """Return the digest of the run with the content of its encoder for the name, since its folder may move."""
        encoder = json.dumps(self.encoder.content.to_json() | {"commit": ""}, sort_keys=True)
        model = self.config.model.model_copy(update={"encoder": encoder})
        return self.config.model_copy(update={"model": model}).digest

    def _parts(self) -> dict[str, _Stateful]:
        """Return everything that changes during training and can save itself."""
        return {
            "model": self.model,
            "optimiser": self.optimiser,
            "gradients": self.gradients,
            "weighting": self.weighting,
            "losses": self.losses,
            **{f"data {name}": data for name, data in self.tasks.items()},
            **{f"technique {name}": technique for name, technique in self.techniques.items()},
        }

    def _write_model(self, file: BinaryIO) -> None:
        write_safetensors(file, self.model.state_dict())

    def _evaluation(self, rung: int, scores: DevScores, speed: float) -> Evaluation:
        return Evaluation(
            rung=rung,
            examples=self.progress.examples,
            step=self.progress.step,
            overall=scores.overall,
            scores=scores.scores,
            metrics=scores.metrics,
            train_loss=self.losses.means(),
            seconds=self._clock.seconds,
            examples_per_second=speed,
            confusion=scores.confusion,
            loss_weights=self.weighting.current(self.progress),
            cost=self._cost(),
            dev_share=self.config.dev_share(rung),
        )

    def _cost(self) -> Cost:
        trainable, parameters = parameter_counts(self.model)
        return Cost(
            parameters=parameters,
            trainable_parameters=trainable,
            forward_examples=self.forward_examples,
            peak_memory_mib=self._memory.mib,
            pretraining_examples=self._pretraining_examples,
        )
