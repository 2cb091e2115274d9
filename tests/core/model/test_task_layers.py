"""Small layers of each task's own: projected attention and adapters, against formulas written out in float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from core.config import RunConfig, TaskLayersConfig
from core.inputs.resources import Resources
from core.model.bert import Bert, BertConfig
from core.model.freezing import parameter_counts
from core.model.multitask import MultitaskBert, build_model
from core.model.row_packing import RowPacking
from core.model.split_encoder import SplitEncoder
from core.model.task_layers import with_task_layers
from core.run.run_folder import RunFolder
from core.trainer import TrainingRun
from tests.core.config.interrupted_training import check
from tests.core.model.reference_bert import SMALL, reference_for

MakeConfig = Callable[..., RunConfig]
Weights = dict[str, Tensor]

TASKS = ("sst", "para", "sts")
BERT_BASE = BertConfig(30522, 768, 12, 12, 3072)
PAL = {"kind": "pal", "size": 12, "heads": 3}
KINDS: dict[str, dict[str, Any]] = {
    "pal": PAL,
    "released pal": {**PAL, "mode": "released"},
    "adapter": {"kind": "adapter", "size": 5},
    "adapter with LayerNorms": {"kind": "adapter", "size": 5, "layer_norms": True},
    "pal with LayerNorms": {**PAL, "layer_norms": True},
}


def split(config: dict[str, Any], shape: BertConfig = SMALL, tasks: tuple[str, ...] = TASKS) -> SplitEncoder:
    bert = Bert(shape, generator=torch.Generator().manual_seed(1))
    return with_task_layers(bert, TaskLayersConfig(**config), tasks, seed=3)


def perturbed(encoder: SplitEncoder) -> SplitEncoder:
    """Return it in float64 with weights that leave no part without effect, biases and LayerNorms included."""
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for module in (encoder.shared, *encoder.own.values()):
            module.double().eval()
            for parameter in module.parameters():
                parameter += 0.2 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    return encoder


class Reference:
    """BERT with task layers as formulas, without any module of ours.

    Args:
        weights: of the plain BERT and the task's own modules, by name.
        shape: of the BERT.
        config: of the task layers.
    """

    def __init__(self, weights: Weights, shape: BertConfig, config: TaskLayersConfig) -> None:
        self.weights, self.shape, self.config = weights, shape, config

    def linear(self, name: str, x: Tensor) -> Tensor:
        bias = self.weights.get(f"{name}.bias")
        out = torch.einsum("bti,oi->bto", x, self.weights[f"{name}.weight"])
        return out if bias is None else out + bias

    def norm(self, name: str, x: Tensor) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        spread = (centred.square().mean(-1, keepdim=True) + self.shape.layer_norm_eps).sqrt()
        return centred / spread * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]

    def attention(self, name: str, x: Tensor, mask: Tensor, heads: int) -> Tensor:
        size = x.shape[-1] // heads
        q, k, v = (self.linear(f"{name}.{part}", x) for part in ("query", "key", "value"))
        outs = []
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            scores = torch.einsum("bqd,bkd->bqk", q[..., part], k[..., part]) / math.sqrt(size)
            shares = scores.masked_fill(~mask[:, None, :], -math.inf).softmax(-1)
            outs.append(torch.einsum("bqk,bkd->bqd", shares, v[..., part]))
        return torch.cat(outs, -1)

    def adapted(self, name: str, x: Tensor) -> Tensor:
        if self.config.kind != "adapter":
            return x
        return x + self.linear(f"{name}.adapter.up", gelu(self.linear(f"{name}.adapter.down", x)))

    def parallel(self, name: str, h: Tensor, mask: Tensor) -> Tensor:
        if self.config.kind != "pal":
            return torch.zeros_like(h)
        low = self.linear("projections.down", h)
        out = self.linear("projections.up", self.attention(f"{name}.parallel.attention", low, mask, self.config.heads))
        return gelu(out) if self.config.mode == "released" else out

    def hidden(self, ids: Tensor, mask: Tensor) -> Tensor:
        weights = self.weights
        h = weights["embeddings.word_embeddings.weight"][ids] + weights["embeddings.token_type_embeddings.weight"][0]
        h = self.norm("embeddings.LayerNorm", h + weights["embeddings.position_embeddings.weight"][: ids.shape[1]])
        for number in range(self.shape.num_hidden_layers):
            name = f"encoder.layer.{number}"
            context = self.attention(f"{name}.attention.self", h, mask, self.shape.num_attention_heads)
            changed = self.adapted(f"{name}.attention.output", self.linear(f"{name}.attention.output.dense", context))
            a = self.norm(f"{name}.attention.output.LayerNorm", changed + h)
            wide = gelu(self.linear(f"{name}.intermediate.dense", a))
            changed = self.adapted(f"{name}.output", self.linear(f"{name}.output.dense", wide))
            h = self.norm(f"{name}.output.LayerNorm", changed + a + self.parallel(name, h, mask))
        return h


def gelu(x: Tensor) -> Tensor:
    return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))


@pytest.mark.parametrize("kind", KINDS)
def test_values_and_gradients_are_those_of_the_formulas(kind: str) -> None:
    """Of every task, with padding: hidden states, and the gradients of all weights, shared and own."""
    encoder, config = perturbed(split(KINDS[kind])), TaskLayersConfig(**KINDS[kind])
    ids = torch.randint(1, 50, (3, 7), generator=torch.Generator().manual_seed(4))
    mask = torch.arange(7) < torch.tensor([[7], [4], [1]])
    for task in TASKS:
        ours = {**dict(encoder.shared.named_parameters()), **dict(encoder.own[task].named_parameters())}
        copies = {name: weight.detach().clone().requires_grad_() for name, weight in ours.items()}
        expected = Reference(copies, SMALL, config).hidden(ids, mask)[mask]
        found = encoder.by_task[task](ids, mask)[mask]
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
        direction = torch.randn(found.shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
        used = [name for name in ours if not name.startswith("pooler.") and ours[name].requires_grad]
        gradients = torch.autograd.grad((found * direction).sum(), [ours[name] for name in used])
        references = torch.autograd.grad((expected * direction).sum(), [copies[name] for name in used])
        for name, gradient, reference in zip(used, gradients, references, strict=True):
            torch.testing.assert_close(gradient, reference, rtol=1e-9, atol=1e-11)
            # A bias of keys changes all scores of a query alike, and softmax not at all.
            assert gradient.abs().max() > 1e-6 or name.endswith("key.bias"), name


def test_an_adapter_reads_what_dropout_has_left() -> None:
    """Wrong: an adapter in front of the dropout, whose own output would then be dropped as well."""
    encoder, seen = split(KINDS["adapter"]).by_task["sst"].train(), []
    for layer in encoder.layers:
        for half in (layer.attention.output, layer.output):
            half.adapter.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    encoder(torch.arange(40).view(2, 20))
    assert len(seen) == 4
    assert all((x == 0).float().mean().item() == pytest.approx(SMALL.hidden_dropout_prob, abs=0.04) for x in seen)


def test_projected_attention_has_the_encoders_dropout_on_attention_weights() -> None:
    for dropout in (0.0, 0.4):
        shape = replace(SMALL, attention_probs_dropout_prob=dropout, hidden_dropout_prob=0.0)
        pal = split(PAL, shape).by_task["sst"].train().layers[0].parallel
        hidden = torch.randn(12, 24, generator=torch.Generator().manual_seed(0))
        packing = RowPacking((2, 6), None, hidden.device)
        assert torch.equal(pal(hidden, packing), pal(hidden, packing)) == (dropout == 0)
        pal.eval()
        assert torch.equal(pal(hidden, packing), pal(hidden, packing))


def sizes(config: dict[str, Any], tasks: int) -> tuple[int, int]:
    """Return the parameters of bert-base, and those that the tasks have of their own."""
    with torch.device("meta"):
        encoder = with_task_layers(
            Bert(BERT_BASE), TaskLayersConfig(**config), [f"task{number}" for number in range(tasks)], seed=0
        )
    shared = sum(parameter.numel() for parameter in encoder.shared.parameters())
    return shared, sum(parameter.numel() for own in encoder.own.values() for parameter in own.parameters())


def test_parameters_of_the_papers() -> None:
    """Stickland & Murray: T (2 d_m d_s + 12 x 3 d_s^2), 1.13 x BERT for eight tasks of d_s = 204 (table 1).

    Houlsby et al.: 2 m d + d + m for each of the two adapters of a layer, and 2 d for a LayerNorm (section 2.1).
    """
    d, p, layers = 768, 204, 12
    bert, own = sizes({"kind": "pal"}, tasks=8)
    assert own == 8 * (2 * d * p + layers * 3 * p**2)
    assert round(1 + own / bert, 2) == 1.13
    assert sizes({"kind": "pal", "mode": "released"}, 2)[1] == 2 * (2 * d * p + p + d + layers * 3 * (p**2 + p))
    assert sizes({"kind": "adapter"}, 3)[1] == 3 * layers * 2 * (2 * 64 * d + d + 64)
    assert sizes({"kind": "adapter", "size": 8, "layer_norms": True}, 1)[1] == layers * 2 * (2 * 8 * d + d + 8 + 2 * d)


def test_initial_weights() -> None:
    """N(0, .02^2) for projected attention, as in the authors' code; N(0, .01^2) within .02 for adapters; no biases."""
    shape = BertConfig(60, 120, 2, 4, 60)
    for kind, std in (("pal", 0.02), ("adapter", 0.0088)):  # cut at two standard deviations, .88 of .01 is left
        own = split({"kind": kind, "size": 60, "mode": "released"}, shape).own
        for module in own.values():
            for name, weight in module.named_parameters():
                if weight.ndim == 1:
                    assert not weight.any()
                else:
                    assert weight.std().item() == pytest.approx(std, rel=0.05), name
                    assert kind == "pal" or weight.abs().max() <= 0.02
        states = [module.state_dict() for module in own.values()]
        assert not any(torch.equal(states[0][name], states[1][name]) for name in states[0] if "weight" in name)
        alone = split({"kind": kind, "size": 60, "mode": "released"}, shape, ("para",)).own["para"].state_dict()
        assert all(torch.equal(weight, states[1][name]) for name, weight in alone.items())


def test_adapters_start_near_the_identity() -> None:
    """And with a bottleneck of zeros they are the identity, to the bit; so is projected attention with V^D = 0."""
    shape = BertConfig(60, 64, 3, 4, 128)
    plain = Bert(shape, generator=torch.Generator().manual_seed(1)).eval()
    ids = torch.arange(24).view(2, 12)
    for kind, bound in (("adapter", 1e-2), ("pal", 0.3)):
        encoder = split({"kind": kind, "size": 12}, shape).by_task["sst"].eval()
        change = (encoder(ids) - plain(ids)).norm() / plain(ids).norm()
        assert 0 < change < bound
        with torch.no_grad():
            for name, weight in encoder.named_parameters():
                if name.endswith("up.weight"):
                    weight.zero_()
        assert torch.equal(encoder(ids), plain(ids))


def built(config: RunConfig, resources: Resources) -> MultitaskBert:
    return build_model(config, resources.encoder(config).config, None)


@pytest.mark.parametrize("kind", KINDS)
def test_the_shared_encoder_stays_a_plain_bert(small_config: MakeConfig, resources: Resources, kind: str) -> None:
    """Each weight is in the model's state once, under a name that says whose it is."""
    settings = KINDS[kind] | {"size": 6, "heads": 3}
    model, plain = built(small_config(task_layers=settings), resources), built(small_config(), resources)
    shared, before = model.plain_encoders()["all-tasks"], plain.encoder("sst")
    assert shared.state_dict().keys() == before.state_dict().keys()
    assert all(torch.equal(weight, before.state_dict()[name]) for name, weight in shared.state_dict().items())
    reference_for(shared)
    names = {name for name, _ in model.named_parameters()}
    assert names == set(model.state_dict())
    own = names - set(plain.state_dict())
    assert all(name.startswith(tuple(f"own.{task}." for task in TASKS)) for name in own)
    assert parameter_counts(model)[1] == parameter_counts(plain)[1] + sum(model.state_dict()[n].numel() for n in own)
    untrained = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    assert all("LayerNorm" in name and name.startswith("encoders.all-tasks.encoder.") for name in untrained)
    assert len(untrained) == (2 * 2 * 2 if "LayerNorms" in kind else 0)


@pytest.mark.parametrize("kind", KINDS)
def test_with_a_frozen_encoder_only_the_tasks_own_layers_are_trained(
    small_config: MakeConfig, resources: Resources, tmp_path: Path, kind: str
) -> None:
    """And by their own batches alone, also where the norm of gradients is clipped."""
    settings = KINDS[kind] | {"size": 6, "heads": 3}
    config = small_config(task_layers=settings, model={"freeze": "encoder"}, optim={"clip_norm": 0.1})
    run = TrainingRun(config, RunFolder(tmp_path), resources)
    assert [part.name for part in run.model.parts()] == list(TASKS)
    before = {name: weight.clone() for name, weight in run.model.state_dict().items()}
    (task,) = run.order.next(run.progress)
    run.step()
    moved = {name for name, weight in run.model.state_dict().items() if not torch.equal(weight, before[name])}
    assert {".".join(name.split(".")[:2]) for name in moved} == {f"own.{task}", f"heads.{task}"}
    # Softmax ignores a bias of keys.
    assert {name for name in before if name.startswith(f"own.{task}.") and not name.endswith("key.bias")} <= moved


def test_rates_follow_the_layers(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    """V^E and V^D, which all layers share, have the rate of the top layer."""
    optim = {"layer_decay": 0.5, "learning_rate": 1e-3, "weight_decay": 0.0, "warmup": 0.0}
    run = TrainingRun(small_config(task_layers={**PAL, "size": 6}, optim=optim), RunFolder(tmp_path), resources)
    groups = run.optimiser.adamw.groups
    every = [parameter for group in groups for parameter in group.parameters]
    assert len(every) == len(set(every)) == len(list(run.model.parameters()))
    rates = {id(parameter): group.learning_rate for group in groups for parameter in group.parameters}
    for name, parameter in run.model.own["para"].named_parameters():
        assert rates[id(parameter)] == pytest.approx(0.5e-3 if "layer.0" in name else 1e-3), name


def test_with_lora_updates_are_shared_and_task_layers_are_not(small_config: MakeConfig, resources: Resources) -> None:
    adapters = {"kind": "adapter", "size": 4}
    model = built(small_config(task_layers=adapters, lora={"rank": 2, "targets": "all-linear"}), resources)
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    shared = {name for name in trained if name.startswith("encoders.")}
    assert all(name.endswith((".lora_a", ".lora_b")) for name in shared)
    assert len(shared) == 2 * 2 * 6
    assert {name.split(".")[1] for name in trained if name.startswith("own.")} == set(TASKS)


@pytest.mark.parametrize("kind", ["released pal", "adapter with LayerNorms"])
def test_an_interrupted_run_continues_bit_for_bit(small_config: MakeConfig, resources: Resources, kind: str) -> None:
    config = small_config(
        task_layers=KINDS[kind] | {"size": 6, "heads": 3},
        gradients={"rule": "pcgrad"},
        sampler={"order": "together"},
        optim={"ema": 0.9},
        smart={"weight": {"sst": 1.0}},
        proximal={"weight": {"para": 1.0}},
        pretraining={"mlm": {"examples": 32}},
    )
    assert check(config, resources) == set(TASKS)


def test_without_task_layers_nothing_is_recorded(small_config: MakeConfig) -> None:
    assert "task_layers" not in small_config().canonical_json()
    assert small_config(task_layers={}).digest == small_config().digest
    assert '"task_layers":{"heads":12,"kind":"pal"' in small_config(task_layers={"kind": "pal"}).canonical_json()
