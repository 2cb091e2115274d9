"""Run a batch through the model, with repetitions for regularisers."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor
from torch.func import functional_call

from core.model.multitask import MultitaskBert
from core.model.randomness import random_state, restore_random_state
from data.batching import Batch

__all__ = ["ForwardPass"]


class ForwardPass:
    """The outputs of a batch, (B, C), and repetitions of the pass that gave them.

    All outputs are float32, even under autocast, because heads are; those of a float64 model are float64.

    Args:
        model: the model, already in train or eval mode.
        batch: a batch of one task, on the model's device.

    Attributes:
        model: as given.
        batch: as given.
        outputs: outputs of the step's own pass, (B, C).
        count: number of passes so far, including the first.
    """

    def __init__(self, model: MultitaskBert, batch: Batch) -> None:
        self.model, self.batch = model, batch
        self.count = 0
        self._masks = random_state(batch.input_ids.device)
        self.outputs: Tensor = self._run(None, {})

    def repeat(self, word_embeddings: Tensor | None = None, parameters: Mapping[str, Tensor] | None = None) -> Tensor:
        """Return the outputs (B, C) under the *same* dropout masks; without arguments, the same numbers.

        A regulariser that compares two passes must use the same masks for both; otherwise it measures dropout instead
        of its own change. Afterwards the random state is as if this pass had not happened. In bfloat16 on a CPU, passes
        outside autocast have other masks than those within.

        Args:
            word_embeddings: replace ``model.embed_words(batch)``, (R, T, H).
            parameters: replace the model's own parameters, by name; parameters left out stay the model's.

        Raises:
            KeyError: if the model has no parameter of that name.
        """
        device = self.batch.input_ids.device
        after = random_state(device)
        restore_random_state(self._masks, device)
        try:
            return self._run(word_embeddings, parameters or {})
        finally:
            restore_random_state(after, device)

    def repeat_with_fresh_dropout(self) -> Tensor:
        """Return the outputs (B, C) under *new* dropout masks."""
        return self._run(None, {})

    def _run(self, word_embeddings: Tensor | None, parameters: Mapping[str, Tensor]) -> Tensor:
        self.count += 1
        if parameters:
            # functional_call ignores an unknown name, and the model would use its own weights.
            unknown = set(parameters).difference(name for name, _ in self.model.named_parameters())
            if unknown:
                raise KeyError(f"the model has no parameter named '{min(unknown)}'")
            outputs: Tensor = functional_call(self.model, dict(parameters), (self.batch, word_embeddings))
        else:
            outputs = self.model(self.batch, word_embeddings)
        return outputs
