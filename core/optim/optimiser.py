"""Configure AdamW for a run: layer-wise learning rates, and weight decay where it belongs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import nn

from core.config import OptimConfig, RunConfig
from core.model.multitask import MultitaskBert
from core.optim.scheduled_adamw import ScheduledAdamW, decays

__all__ = ["Optimiser"]


class Optimiser(ScheduledAdamW):
    """AdamW with warm-up, decay, and learning rates that decrease layer by layer towards the input.

    Peak rates, with L layers, layer decay xi and the base rate eta: xi^(L-l) eta for layer l = 1, ..., L, so that the
    top layer has eta; xi^L eta for the embeddings; eta for the pooler; and for the heads eta or a rate of their own.
    LoRA's parameters and those of task layers have the rate of the layer that they are in, or the highest rate of those
    layers that share them. Warm-up and decay multiply all rates alike.

    Args:
        run: learning rates, schedule and betas.
        model: whose trainable parameters are updated.
        learned: loss weights that are learned along with the model; they have their own rate and no weight decay.
        by_row: update only those rows of the word embeddings that are looked up, if betas and decay allow it; see
            :class:`core.optim.embedding_rows.EmbeddingRows`.
    """

    def __init__(
        self, run: RunConfig, model: MultitaskBert, learned: Sequence[nn.Parameter], by_row: bool = False
    ) -> None:
        config = run.optim
        peaks: dict[nn.Parameter, tuple[float, float]] = {}  # peak rate, weight decay
        for module, rate in _rates(config, model):
            for name, parameter in module.named_parameters():
                if parameter.requires_grad:
                    decay = config.weight_decay if decays(name, parameter) else 0.0
                    earlier, _ = peaks.get(parameter, (0.0, 0.0))
                    peaks[parameter] = max(rate, earlier), decay
        alike: dict[tuple[float, float], list[nn.Parameter]] = {}
        for parameter, peak in peaks.items():
            alike.setdefault(peak, []).append(parameter)
        if learned:
            alike.setdefault((run.loss.uncertainty_rate, 0.0), []).extend(learned)
        betas = config.beta1, config.beta2
        # The sums over steps without a gradient converge for beta1 < beta2^1.5; the square leaves a margin. With the
        # other condition, the product of all decay factors is above 0 for more than 50,000 steps.
        by_row = by_row and config.beta1 < config.beta2**2 and config.learning_rate * config.weight_decay < 1e-2
        tables = _trained_tables(model) if by_row else ()
        super().__init__(alike, config.schedule, config.warmup, betas, config.epsilon, tables)


def _rates(config: OptimConfig, model: MultitaskBert) -> Iterator[tuple[nn.Module, float]]:
    """Yield the model's modules with their peak rates, every encoder from the input up.

    A module that several encoders share is yielded with each of them.
    """
    base = config.learning_rate
    for bert in model.distinct_encoders().values():
        depth = len(bert.layers)
        for level, layer in enumerate((bert.embeddings, *bert.layers)):
            yield layer, base * config.layer_decay ** (depth - level)
        yield bert.pooler, base
    yield model.heads, base if config.head_learning_rate is None else config.head_learning_rate


def _trained_tables(model: MultitaskBert) -> list[nn.Embedding]:
    """Return the word embeddings that are trained on the CPU, each once; several encoders may share them."""
    tables = dict.fromkeys(bert.embeddings.word_embeddings for bert in model.distinct_encoders().values())
    return [table for table in tables if table.weight.requires_grad and table.weight.device.type == "cpu"]
