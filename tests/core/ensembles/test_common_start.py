"""Which runs may be souped, and why not those of two seeds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.config import RunConfig
from core.ensembles import Ingredient, check_common_start, uniform_soup
from core.inputs.best_model import load_best_model
from core.inputs.resources import Resources, pick_device
from core.model_files.model_folder import save_model_folder
from core.run.run_folder import RunFolder
from core.run_observer import NullRunObserver
from core.scoring import predict
from core.trainer import train
from data.errors import UserError

MakeConfig = Callable[..., RunConfig]


@pytest.mark.parametrize(
    "sections",
    [
        {"optim": {"learning_rate": 1e-4}, "loss": {"weights": {"sst": 2.0}}},
        {"lora": {"rank": 4}},
        {"model": {"dropout": 0.3, "attention_dropout": 0.2, "freeze_layers": 1}},
        {"model": {"freeze_layers": 1, "frozen_dropout": False}},
        {"heads": {"sst": {"dropout": 0.4, "label_smoothing": 0.1, "class_balance": 0.5}}},
        {"sampler": {"order": "together"}, "swa": {"start": 0.5}, "smart": {"weight": {"sst": 1.0}}},
        {"pretraining": {"mnrl": {"scale": 1.0}, "nli_file": {"path": "mnli.csv"}}},  # of stages that neither has
    ],
)
def test_runs_that_differ_in_training(small_config: MakeConfig, sections: dict[str, Any]) -> None:
    check_common_start({"trial 0": small_config(), "trial 1": small_config(**sections)})


def test_runs_of_one_stage_in_other_lengths(small_config: MakeConfig) -> None:
    """The batch size matters too, because both have the stage."""
    short, long = ({"mlm": {"passes": passes, "batch_size": size}} for passes, size in ((1.0, 8), (2.0, 16)))
    with pytest.raises(
        UserError, match=r"differ in pretraining\.mlm\.batch_size \(8 and 16\), .*passes \(1.0 and 2.0\)"
    ):
        check_common_start({"a": small_config(pretraining=short), "b": small_config(pretraining=long)})


NLI = {"path": "mnli.csv"}


@pytest.mark.parametrize(
    ("sections", "different"),
    [
        ({"seed": 1}, "seed (0 and 1)"),
        ({"heads": {"sst": {"layers": 2}}}, "heads.sst.layers (1 and 2)"),
        ({"heads": {"sst": {"pooling": "mean"}}}, "heads.sst.pooling (cls and mean)"),
        ({"model": {"encoder": "minilm", "scratch": None}}, "model.encoder (scratch and minilm), model.scratch.atten"),
        ({"model": {"reinit_layers": 1}}, "model.reinit_layers (0 and 1)"),
        ({"task_layers": {"kind": "adapter"}}, "task_layers.heads (none and 12), task_layers.kind (none and adapter)"),
        ({"model": {"max_length": 64}}, "model.max_length (128 and 64)"),
        ({"pretraining": {"mlm": {"examples": 100, "batch_size": 8}}}, "pretraining.mlm.examples (0 and 100): weights"),
        ({"pretraining": {"nli_file": NLI, "nli": {"examples": 9}}}, "pretraining.nli.examples (0 and 9): weights"),
        ({"pretraining": {"mlm": {"passes": 2.0, "batch_size": 8}}}, "pretraining.mlm.passes (none and 2.0): weights"),
        ({"seed": 3, "heads": {"sst": {"hidden_size": 8}}}, "heads.sst.hidden_size (none and 8), seed (0 and 3)"),
    ],
)
def test_runs_that_began_elsewhere(small_config: MakeConfig, sections: dict[str, Any], different: str) -> None:
    configs = {"trial 0": small_config(), "trial 4": small_config(), "trial 7": small_config(**sections)}
    with pytest.raises(UserError) as caught:
        check_common_start(configs)
    message = str(caught.value)
    assert message.startswith("trial 0 and trial 7 cannot be souped, as they differ in " + different)
    assert message.endswith("average their predictions instead")


def test_runs_of_the_same_tasks_only(small_config: MakeConfig) -> None:
    with pytest.raises(UserError, match=r"heads\.sts\.combine|heads\.sts\.pair"):
        check_common_start({"a": small_config(("sst",)), "b": small_config(("sst", "sts"))})


@pytest.mark.slow
def test_why_seeds_may_not_differ(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    """Two runs from one encoder: their soup fits the training examples as they do, unless their heads began apart.

    A head of one linear layer would survive, as it begins next to nothing; hidden units that mean different things do
    not.
    """
    head = {"heads": {"sst": {"layers": 3, "pooling": "mean"}}, "budget": {"examples": 3600}, "eval": {"rungs": 1}}

    def trained(name: str, **sections: Any) -> tuple[RunConfig, RunFolder]:
        config = small_config(("sst",), **head, **sections)
        train(config, tmp_path / name, resources, NullRunObserver())
        return config, RunFolder(tmp_path / name)

    config, folder = trained("encoder", optim={"learning_rate": 5e-3})
    save_model_folder(tmp_path / "bert", load_best_model(folder, config, resources), {})
    encoder = {"model": {"encoder": str(tmp_path / "bert"), "scratch": None}}
    runs = [
        trained("one", **encoder, optim={"learning_rate": 3e-3}),
        trained("rate", **encoder, optim={"learning_rate": 2e-3}),
        trained("seed", **encoder, optim={"learning_rate": 3e-3}, seed=1),
    ]
    models = [load_best_model(folder, config, resources) for config, folder in runs]
    states = [{name: weight.clone() for name, weight in trained.model.state_dict().items()} for trained in models]
    cook, examples = models[0], resources.examples(config, config.tasks["sst"].spec, "train")

    def loss(*numbers: int) -> float:
        cook.model.load_state_dict(uniform_soup([Ingredient(str(n), states[n]) for n in numbers]).weights)
        probabilities = predict(cook.model, cook.config, examples, cook.layout, pick_device("cpu"))
        return -float(np.log(probabilities[np.arange(len(examples)), examples.labels]).mean())

    worst = max(loss(0), loss(1), loss(2))
    assert loss(0, 1) < worst + 0.03
    assert loss(0, 2) > worst + 0.08
