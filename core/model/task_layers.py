"""Give every task small layers of its own within a shared encoder: projected attention layers, or adapters.

Letters in shape comments: R rows, N tokens of all rows, H hidden size, p the size that hidden states are projected to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch.nn.functional as F
from torch import Tensor, nn

from core.config.task_layers import TaskLayersConfig
from core.model.bert import Bert, BertConfig
from core.model.linear import Linear
from core.model.randomness import named_generator
from core.model.row_packing import RowPacking
from core.model.self_attention import SelfAttention
from core.model.split_encoder import SplitEncoder, copy_around, module_tree

__all__ = ["Adapter", "ProjectedAttention", "with_task_layers"]

_HALVES = ("attention.output", "output")  # where attention and feed-forward end, each in a LayerNorm
_ADAPTER_STD = 1e-2  # of the initial weights; Houlsby et al. 2019, section 3.6


class ProjectedAttention(nn.Module):
    """A projected attention layer (PAL), V^D g(V^E h), with g multi-head attention without an output matrix.

    Section 3 of Stickland & Murray 2019 (arXiv:1902.02671). It reads the input h of a layer; its output is added
    before the layer's last LayerNorm: LN(FFN(a) + a + V^D g(V^E h)), where a is the output of the layer's attention.
    In ``mode = "released"`` it is GELU(V^D g(V^E h)), and all linear maps have biases, as in the authors' code.

    Args:
        bert: architecture of the encoder; its dropout on attention weights applies to g.
        config: p, number of heads, and mode.
        down: V^E, H -> p; all layers of a task share it.
        up: V^D, p -> H; all layers of a task share it.
    """

    def __init__(self, bert: BertConfig, config: TaskLayersConfig, down: nn.Linear, up: nn.Linear) -> None:
        super().__init__()
        shape = replace(bert, hidden_size=config.width, num_attention_heads=config.heads)
        self.attention = SelfAttention(shape, bias=config.mode == "released")
        self.down, self.up = down, up
        self._has_activation = config.mode == "released"

    def forward(self, hidden: Tensor, packing: RowPacking, first_only: bool = False) -> Tensor:
        """(N, H) -> (N, H), or (R, H) for the rows' first tokens alone."""
        out: Tensor = self.up(self.attention(self.down(hidden), packing, first_only))
        return F.gelu(out) if self._has_activation else out


class Adapter(nn.Module):
    """A bottleneck with a skip connection, x + W_up GELU(W_down x + b_down) + b_up (Houlsby et al. 2019, section 2.1).

    It changes the output of each half of a layer, attention and feed-forward, before the residual connection and
    LayerNorm (arXiv:1902.00751, figure 2).

    Args:
        width: H.
        size: p.
    """

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.down, self.up = Linear(width, size), Linear(size, width)

    def forward(self, x: Tensor) -> Tensor:
        """(..., H) -> (..., H)."""
        out: Tensor = x + self.up(F.gelu(self.down(x)))
        return out


def with_task_layers(bert: Bert, config: TaskLayersConfig, tasks: Sequence[str], seed: int) -> SplitEncoder:
    """Give every task its own small layers; all of the encoder's own modules stay shared.

    With ``layer_norms``, every task has copies of the layers' LayerNorms, and trains them; those of the encoder are
    then used by no task, and frozen. Initial weights depend only on the seed, the task and the layer. Those of
    adapters are N(0, .01^2), cut at two standard deviations, so that they nearly compute the identity; those of
    projected attention are N(0, initializer_range^2), as in the authors' code. Biases are 0.

    Args:
        bert: the encoder, frozen and with low-rank updates as configured.
        config: kind and size; the kind is not 'none'.
        tasks: at least one.
        seed: seed of the run.
    """
    own, by_task = {}, {}
    for task in tasks:
        copy = copy_around(bert, _shared_modules(bert, config))
        modules = dict(_added_pals(copy, config) if config.kind == "pal" else _added_adapters(copy, config))
        for name, module in modules.items():
            _draw(module, config, bert.config.initializer_range, seed, f"{task}.task_layers.{name}")
        if config.layer_norms:
            norms = {name: copy.get_submodule(name) for name in _layer_norms(bert)}
            modules |= {name: norm.requires_grad_(True) for name, norm in norms.items()}
        own[task], by_task[task] = module_tree(modules), copy
    if config.layer_norms:
        for name in _layer_norms(bert):
            bert.get_submodule(name).requires_grad_(False)
    return SplitEncoder(bert, own, by_task)


def _shared_modules(bert: Bert, config: TaskLayersConfig) -> Iterator[nn.Module]:
    """Yield the modules that all tasks share; what contains them is copied, so that it can contain others as well."""
    yield from (bert.embeddings, bert.pooler)
    for layer in bert.layers:
        for name in ("attention.self", "intermediate"):
            yield layer.get_submodule(name)
        for half in _HALVES:
            for name in ("dense", "dropout") if config.layer_norms else ("dense", "dropout", "LayerNorm"):
                yield layer.get_submodule(f"{half}.{name}")


def _layer_norms(bert: Bert) -> list[str]:
    return [f"encoder.layer.{number}.{half}.LayerNorm" for number in range(len(bert.layers)) for half in _HALVES]


def _added_pals(bert: Bert, config: TaskLayersConfig) -> Iterator[tuple[str, nn.Module]]:
    """Add projected attention to all layers, and yield its parts by name."""
    width, biased = bert.config.hidden_size, config.mode == "released"
    down, up = Linear(width, config.width, bias=biased), Linear(config.width, width, bias=biased)
    yield from (("projections.down", down), ("projections.up", up))
    for number, layer in enumerate(bert.layers):
        pal = ProjectedAttention(bert.config, config, down, up)
        layer.add_module("parallel", pal)
        yield f"encoder.layer.{number}.parallel.attention", pal.attention


def _added_adapters(bert: Bert, config: TaskLayersConfig) -> Iterator[tuple[str, nn.Module]]:
    """Add an adapter to both halves of all layers, and yield them by name."""
    for number, layer in enumerate(bert.layers):
        for half in _HALVES:
            adapter = Adapter(bert.config.hidden_size, config.width)
            layer.get_submodule(half).add_module("adapter", adapter)
            yield f"encoder.layer.{number}.{half}.adapter", adapter


def _draw(module: nn.Module, config: TaskLayersConfig, std: float, seed: int, name: str) -> None:
    generator = named_generator(seed, name)
    for parameter in module.parameters():
        if parameter.ndim == 1:
            nn.init.zeros_(parameter)
        elif config.kind == "pal":
            nn.init.normal_(parameter, std=std, generator=generator)
        else:
            bound = 2 * _ADAPTER_STD
            nn.init.trunc_normal_(parameter, std=_ADAPTER_STD, a=-bound, b=bound, generator=generator)
