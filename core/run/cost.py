"""Record what a run has cost so far."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Cost"]


@dataclass(frozen=True)
class Cost:
    """Cost of a run, counted from its beginning and across interruptions.

    Attributes:
        parameters: number of parameters of the model.
        trainable_parameters: number of those that training changes.
        forward_examples: examples that went through the model in training; a regulariser's repeated passes are
            counted, scoring is not.
        peak_memory_mib: peak memory, MiB; see :class:`core.run.memory.PeakMemory`.
        pretraining_examples: training examples of all the run's stages of further pretraining, even if another run
            trained them: a run costs the same whether it was the first to need them or not. They are not included in
            ``forward_examples``. 0 in files written before they were counted.
    """

    parameters: int
    trainable_parameters: int
    forward_examples: int
    peak_memory_mib: float
    pretraining_examples: int = 0

    @property
    def trainable_share(self) -> float:
        """Return trainable parameters over parameters, 0 to 1."""
        return self.trainable_parameters / self.parameters
