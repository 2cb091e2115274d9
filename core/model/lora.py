"""Add trainable low-rank updates to a frozen encoder (LoRA, Hu et al. 2021, arXiv:2106.09685)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from core.config import LoraConfig
from core.model.bert import Bert
from core.model.dropout import Dropout
from core.model.linear import linear
from core.model.randomness import named_generator

__all__ = ["LoraLinear", "add_lora", "load_updates", "merged_state_dict", "split_updates"]


class LoraLinear(nn.Linear):
    """A linear layer W x + b + s B A dropout(x) that trains only A and B (section 4.1).

    s is alpha / r, or alpha / sqrt(r) for rsLoRA (arXiv:2312.03732). A is initialised as N(0, 1/r^2) or
    Kaiming-uniform, B as zero, so that the layer starts out equal to the one it replaces. The dropout does not affect
    W x.

    Args:
        base: the layer to update; its parameters are reused under the same names, and frozen.
        config: r (above 0), s, dropout and the initialisation of A.
        generator: draws A; on the CPU.

    Attributes:
        lora_a: A, (r, in).
        lora_b: B, (out, r).
    """

    def __init__(self, base: nn.Linear, config: LoraConfig, generator: torch.Generator) -> None:
        # Without storage, because weight and bias are those of the base.
        super().__init__(base.in_features, base.out_features, base.bias is not None, device="meta")
        self.weight, self.bias = base.weight, base.bias
        self.requires_grad_(False)
        self.scale = config.scale
        self.dropout = Dropout(config.dropout)
        initial = torch.empty(config.rank, self.in_features)
        if config.initial == "gaussian":
            initial.normal_(std=1 / config.rank, generator=generator)
        else:
            nn.init.kaiming_uniform_(initial, a=math.sqrt(5), generator=generator)
        self.lora_a = nn.Parameter(initial.to(base.weight))
        self.lora_b = nn.Parameter(base.weight.new_zeros(self.out_features, config.rank))

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) -> (..., out)."""
        low = linear(self.dropout(x), self.lora_a)  # (..., r)
        # Multiplying by s on the narrow side costs least.
        return linear(x, self.weight, self.bias) + linear(low * self.scale, self.lora_b)

    def merged_weight(self) -> Tensor:
        """Return W + s B A, (out, in), summed in float64 on the CPU, because not every device supports float64."""
        weight, a, b = (p.detach().cpu().double() for p in (self.weight, self.lora_a, self.lora_b))
        return (weight + self.scale * (b @ a)).to(self.weight.dtype)


def add_lora(bert: Bert, config: LoraConfig, seed: int) -> None:
    """Add low-rank updates to the target layers, and freeze everything else in the encoder; rank 0 changes nothing.

    The embeddings stay trainable if ``config.embeddings`` says so.

    The initial A of a layer depends only on the seed and the layer's name, not on the other targets.

    Args:
        bert: changed in place.
        config: rank, targets and other settings.
        seed: seed of the run.
    """
    if not config.rank:
        return
    bert.requires_grad_(False)
    bert.embeddings.requires_grad_(config.embeddings)
    for number, layer in enumerate(bert.layers):
        for place in config.layers:
            base = layer.get_submodule(place)
            assert isinstance(base, nn.Linear)
            generator = named_generator(seed, f"encoder.layer.{number}.{place}.lora_a")
            layer.set_submodule(place, LoraLinear(base, config, generator))


def split_updates(weights: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return an encoder's own weights, and the A and B of its low-rank updates."""
    updates = {name: weight for name, weight in weights.items() if name.endswith((".lora_a", ".lora_b"))}
    return {name: weight for name, weight in weights.items() if name not in updates}, updates


def load_updates(bert: Bert, updates: Mapping[str, Tensor]) -> None:
    """Copy all A and B of an encoder to which :func:`add_lora` has added updates of the same rank and targets.

    Raises:
        RuntimeError: if they are not the encoder's.
    """
    bert.load_state_dict({**bert.state_dict(), **updates})


def merged_state_dict(model: nn.Module) -> dict[str, Tensor]:
    """Return the state of a plain model that computes the same in eval mode: W + s B A replaces W, A and B.

    The model itself, a BERT or one with heads, does not change, so that nothing can be merged twice.
    """
    state: dict[str, Tensor] = dict(model.state_dict())
    for name, module in model.named_modules():
        if isinstance(module, LoraLinear):
            del state[f"{name}.lora_a"], state[f"{name}.lora_b"]
            state[f"{name}.weight"] = module.merged_weight()
    return state
