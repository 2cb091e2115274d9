"""What a run has cost so far."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Cost"]


@dataclass(frozen=True)
class Cost:
    """Counted from the run's beginning, what came before an interruption included.

    Attributes:
        parameters: numbers in the model.
        trainable_parameters: those among them that training changes.
        forward_examples: examples that went through the model in training; a regulariser's repeated passes count
            again, scoring does not.
        peak_memory_mib: most memory in use at a time, MiB; see :class:`core.run.memory.PeakMemory`.
        pretraining_examples: training examples of the run's stages of further pretraining, all of them, whoever trained
            them: a run costs the same whether it was the first to want them or not. They are not among
            ``forward_examples``. 0 in files written before they were counted.
    """

    parameters: int
    trainable_parameters: int
    forward_examples: int
    peak_memory_mib: float
    pretraining_examples: int = 0

    @property
    def trainable_share(self) -> float:
        """Trainable parameters over parameters, 0 to 1."""
        return self.trainable_parameters / self.parameters
