"""Topmost layers that are reinitialised (arXiv:2006.05987, section 5)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from core.config import RunConfig
from core.inputs.resources import Resources
from core.model.bert import Bert, BertConfig
from core.model.multitask import build_model
from core.model.reinitialisation import reinitialise
from core.model_files.bert_checkpoint import save_bert
from core.model_files.model_folder import TrainedModel, load_model_folder, save_model_folder
from core.run.run_folder import RunFolder
from core.trainer import TrainingRun
from data.tokenizer import save_tokenizer

MakeConfig = Callable[..., RunConfig]

SHAPE = BertConfig(
    vocab_size=30,
    hidden_size=48,
    num_hidden_layers=3,
    num_attention_heads=2,
    intermediate_size=96,
    initializer_range=0.05,
)


def pretrained() -> Bert:
    """Return weights that are all 7, so that drawn numbers show."""
    bert = Bert(SHAPE)
    with torch.no_grad():
        for parameter in bert.parameters():
            parameter.fill_(7.0)
    return bert


def after(layers: int, seed: int = 3) -> dict[str, Tensor]:
    bert = pretrained()
    reinitialise(bert, layers, seed)
    return dict(bert.state_dict())


@pytest.mark.parametrize("layers", [0, 1, 2, 3])
def test_the_topmost_layers_and_the_pooler_are_drawn_as_bert_draws(layers: int) -> None:
    """Catches the lowest layers drawn instead, a forgotten pooler, and LayerNorms or biases left as they were."""
    anew = {"pooler.", *(f"encoder.layer.{k}." for k in range(3 - layers, 3))} if layers else set()
    for name, weight in after(layers).items():
        if not name.startswith(tuple(anew)):
            assert (weight == 7).all(), name
        elif name.endswith("LayerNorm.weight"):
            assert (weight == 1).all(), name
        elif name.endswith("bias"):
            assert (weight == 0).all(), name
        else:
            assert weight.std().item() == pytest.approx(0.05, rel=0.06), name
            assert weight.mean().item() == pytest.approx(0, abs=0.005), name


def test_a_layer_starts_by_the_seed_alone() -> None:
    one, all_three, other = after(1), after(3), after(1, seed=4)
    name = "encoder.layer.2.output.dense.weight"
    torch.manual_seed(99)  # the global generator has no part in it
    assert torch.equal(one[name], after(1)[name])
    assert torch.equal(one[name], all_three[name])
    assert not torch.equal(one[name], other[name])
    below = all_three["encoder.layer.1.output.dense.weight"]
    assert not torch.equal(below, one[name])
    fresh = Bert(SHAPE, generator=torch.Generator().manual_seed(3)).state_dict()
    assert not any(
        torch.equal(all_three[n].flatten()[:16], fresh[n].flatten()[:16]) for n in (name, "pooler.dense.weight")
    )


def with_model(config: RunConfig, **changes: Any) -> RunConfig:
    return RunConfig.model_validate({**config.model_dump(), "model": {**config.model.model_dump(), **changes}})


def test_together_with_frozen_layers_below(small_config: MakeConfig, resources: Resources) -> None:
    config = with_model(small_config(), reinit_layers=1, freeze_layers=1)
    encoder = resources.encoder(config)
    model = build_model(config, encoder.config, encoder.read_weights())
    assert not any(p.requires_grad for p in model.encoder("sst").layers[0].parameters())
    assert all(p.requires_grad for p in model.encoder("sst").layers[1].parameters())


def test_an_exported_model_is_not_reinitialised_when_loaded(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    """Catches a loader that builds the model as training does: it would throw the trained top layers away."""
    config = with_model(small_config(), reinit_layers=2)
    run = TrainingRun(config, RunFolder(tmp_path / "run"), resources)
    run.step()
    save_model_folder(tmp_path / "model", TrainedModel(run.model, config, resources.encoder(config).tokenizer), {})
    loaded = load_model_folder(tmp_path / "model").model.state_dict()
    assert all(torch.equal(loaded[name], weight) for name, weight in run.model.state_dict().items())


def test_a_top_layer_that_tells_nothing_is_got_rid_of(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    """The paper's case in the extreme: a checkpoint whose top layer gives the same vector for any text."""
    config = small_config(tasks=("sst",), optim={"learning_rate": 5e-3}, budget={"examples": 1500})
    encoder = resources.encoder(config)
    bert = Bert(encoder.config, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        bert.get_parameter("encoder.layer.1.output.LayerNorm.weight").zero_()
        bert.get_parameter("encoder.layer.1.output.LayerNorm.bias").fill_(50.0)
    save_bert(tmp_path / "encoder", encoder.config, bert.state_dict())
    save_tokenizer(encoder.tokenizer, tmp_path / "encoder")
    losses = []
    for number in (0, 1):
        changed = with_model(config, encoder=str(tmp_path / "encoder"), scratch=None, reinit_layers=number)
        run = TrainingRun(changed, RunFolder(tmp_path / f"run-{number}"), resources)
        run.folder.make()
        while not run.finished:
            if run.at_rung:
                last = run.evaluate().train_loss["sst"]
            else:
                run.step()
        losses.append(last)
    assert losses[1] < losses[0] - 0.1
