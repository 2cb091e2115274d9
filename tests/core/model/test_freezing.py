"""What is frozen keeps its bits and costs no backward pass; what is not trains as without freezing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from core.config import RunConfig
from core.inputs.resources import Resources
from core.model.freezing import frozen_parts, parameter_counts
from core.model.multitask import MultitaskBert, build_model
from core.run.run_folder import RunFolder
from core.trainer import TrainingRun
from data.batching import Batch

MakeConfig = Callable[..., RunConfig]

# The parts of the two-layer encoder that keep their weights.
FROZEN: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "nothing": ({}, ()),
    "embeddings": ({"freeze": "embeddings"}, ("embeddings.",)),
    "lowest layer": ({"freeze_layers": 1}, ("embeddings.", "encoder.layer.0.")),
    "both": ({"freeze": "embeddings", "freeze_layers": 1}, ("embeddings.", "encoder.layer.0.")),
    "all layers": ({"freeze_layers": 2}, ("embeddings.", "encoder.")),
    "encoder": ({"freeze": "encoder"}, ("",)),
}
POOLED = {"sst": {"pooling": "pooler"}}


def built(config: RunConfig, resources: Resources) -> MultitaskBert:
    encoder = resources.encoder(config)
    return build_model(config, encoder.config, encoder.read_weights())


def first_batch(config: RunConfig, resources: Resources) -> Batch:
    return resources.task_data(config)["sst"].next_batch(8)


@pytest.mark.parametrize(("model", "parts"), FROZEN.values(), ids=FROZEN)
def test_a_run_leaves_what_is_frozen_and_moves_the_rest(
    small_config: MakeConfig, resources: Resources, tmp_path: Path, model: dict[str, Any], parts: tuple[str, ...]
) -> None:
    """Catches weight decay or averaging that reaches frozen weights, and a lowest layer counted from the top."""
    scratch = small_config().model.model_dump()
    config = small_config(
        model={**scratch, **model}, heads=POOLED, optim={"learning_rate": 1e-2, "weight_decay": 0.5, "ema": 0.9}
    )
    run = TrainingRun(config, RunFolder(tmp_path), resources)
    before = {name: weight.clone() for name, weight in run.model.state_dict().items()}
    run.folder.make()
    while not run.at_rung:
        run.step()
    run.evaluate()  # with averaged weights, then back
    for name, parameter in run.model.named_parameters():
        frozen = name.startswith(tuple(f"encoders.all-tasks.{part}" for part in parts))
        assert parameter.requires_grad != frozen, name
        assert torch.equal(parameter, before[name]) == frozen, name
    trained = {name for name, parameter in run.model.named_parameters() if parameter.requires_grad}
    assert run.techniques["weight_average"].state_dict().keys() == trained
    optimiser = run.optimiser.state_dict()
    assert len(optimiser["state"]) == sum(len(group["params"]) for group in optimiser["param_groups"]) == len(trained)


@pytest.mark.parametrize(("number", "needs_gradient"), [(0, (True, True)), (1, (False, True)), (2, (False, False))])
def test_no_graph_is_built_below_the_lowest_trained_layer(
    small_config: MakeConfig, resources: Resources, number: int, needs_gradient: tuple[bool, ...]
) -> None:
    config = small_config(model={**small_config().model.model_dump(), "freeze_layers": number})
    model = built(config, resources).train()
    seen: list[bool] = []
    for layer in model.encoder("sst").layers:
        layer.register_forward_hook(lambda _, __, out: seen.append(out.requires_grad))
    assert model(first_batch(config, resources)).requires_grad  # of the head
    assert tuple(seen) == needs_gradient


def test_a_frozen_encoder_needs_no_graph_at_all(small_config: MakeConfig, resources: Resources) -> None:
    config = small_config(model={**small_config().model.model_dump(), "freeze": "encoder"}, heads=POOLED)
    model = built(config, resources).train()
    batch = first_batch(config, resources)
    rows = model.encode(batch)
    assert not rows.hidden.requires_grad
    assert not model.encoder("sst").pool(rows.hidden).requires_grad
    assert model(batch).requires_grad


def test_what_trains_gets_the_gradient_that_it_had(small_config: MakeConfig, resources: Resources) -> None:
    def gradients(**model: Any) -> dict[str, Tensor]:
        config = small_config(model={**small_config().model.model_dump(), **model})
        torch.manual_seed(0)  # dropout
        network = built(config, resources).train()
        network(first_batch(config, resources)).square().sum().backward()
        return {name: p.grad for name, p in network.named_parameters() if p.grad is not None}

    plain, frozen = gradients(), gradients(freeze_layers=1)
    assert any(name.startswith("encoders.all-tasks.encoder.layer.1.") for name in frozen)
    assert frozen.keys() < plain.keys()
    assert all(torch.equal(gradient, plain[name]) for name, gradient in frozen.items())


def test_counts_by_hand(small_config: MakeConfig, resources: Resources) -> None:
    config = small_config(tasks=("sst",), model={**small_config().model.model_dump(), "freeze": "encoder"})
    trained, total = parameter_counts(built(config, resources))
    assert trained == 16 * 5 + 5  # a linear head of five classes on 16 numbers
    width, inner = 16, 32
    layer = 4 * (width * width + width) + 2 * width * inner + inner + width + 4 * width
    embeddings = (resources.encoder(config).config.vocab_size + 512 + 2) * width + 2 * width
    assert total == trained + 2 * layer + embeddings + width * width + width


@pytest.mark.parametrize("sections", [{}, {"own_layers": 1}, {"encoders": "per-task"}], ids=str)
def test_frozen_layers_without_dropout(
    small_config: MakeConfig, resources: Resources, sections: dict[str, Any]
) -> None:
    """They return the same in training as in evaluation; the layer above keeps its dropout."""
    scratch = small_config().model.model_dump()
    config = small_config(model={**scratch, "freeze_layers": 1, "frozen_dropout": False, **sections})
    model, batch = built(config, resources), first_batch(config, resources)
    seen: list[Tensor] = []
    for layer in model.encoder("sst").layers:
        layer.register_forward_hook(lambda _, __, out: seen.append(out))
    model.train()(batch)
    model.eval()(batch)
    assert torch.equal(seen[0], seen[2])
    assert not torch.equal(seen[1], seen[3])


def test_frozen_parts_end_below_the_lowest_trained_layer(small_config: MakeConfig, resources: Resources) -> None:
    scratch = small_config().model.model_dump()
    counts = {
        number: len(frozen_parts(built(small_config(model={**scratch, **model}), resources).encoder("sst")))
        for number, model in enumerate(
            ({}, {"freeze": "embeddings"}, {"freeze_layers": 1}, {"freeze_layers": 2}, {"freeze": "encoder"})
        )
    }
    assert counts == {0: 0, 1: 1, 2: 2, 3: 3, 4: 3}
    with_updates = built(small_config(lora={"rank": 2}), resources)
    assert len(frozen_parts(with_updates.encoder("sst"))) == 1
