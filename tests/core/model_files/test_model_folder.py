"""An exported model: transformers loads its encoders, it loads back, and nothing of an earlier one is left to load."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from core.config import RunConfig
from core.inputs.resources import Resources
from core.model_files.model_folder import TrainedModel, load_model_folder, save_model_folder
from core.run.run_folder import RunFolder
from core.scoring import predict
from core.trainer import TrainingRun
from data.errors import UserError

MakeConfig = Callable[..., RunConfig]
Train = Callable[..., TrainedModel]

CPU = torch.device("cpu")
PLACES = {"shared": {"."}, "per-task": {"encoders/sst", "encoders/para", "encoders/sts"}}
OWN_LAYERS = {"model": {"own_layers": 1}}
PALS = {"task_layers": {"kind": "pal", "size": 4, "heads": 2}}


@pytest.fixture
def train(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> Train:
    """Train until every encoder has been trained."""

    def train(encoders: str, **sections: Any) -> TrainedModel:
        sections |= {"sampler": {"order": "together"}, "heads": {"sst": {"pooling": "pooler"}}}
        config = small_config(model={"encoders": encoders, **sections.pop("model", {})}, **sections)
        run = TrainingRun(config, RunFolder(tmp_path / "run"), resources)
        for _ in range(3):
            run.step()
        return TrainedModel(run.model.eval(), config, resources.encoder(config).tokenizer)

    return train


def places(folder: Path) -> set[str]:
    """Return the places where transformers would find an encoder."""
    return {str(path.parent.relative_to(folder)) for path in folder.rglob("config.json")} | {
        str(path.parent.relative_to(folder)) for path in folder.rglob("model.safetensors")
    }


@pytest.mark.parametrize(
    ("encoders", "sections", "expected"),
    [
        *((name, {}, found) for name, found in PLACES.items()),
        ("shared", OWN_LAYERS, PLACES["per-task"]),
        ("shared", PALS | {"lora": {"rank": 2}}, {"."}),
    ],
)
def test_a_model_comes_back_and_predicts_the_same(
    train: Train, resources: Resources, tmp_path: Path, encoders: str, sections: dict[str, Any], expected: set[str]
) -> None:
    trained = train(encoders, **sections)
    save_model_folder(tmp_path / "model", trained, {})
    assert places(tmp_path / "model") == expected
    again = load_model_folder(tmp_path / "model")
    assert again.config == trained.config
    for name, task in trained.config.tasks.items():
        examples = resources.examples(trained.config, task.spec, "dev")
        outputs = [predict(one.model, one.config, examples, one.layout, CPU) for one in (trained, again)]
        assert np.array_equal(*outputs) if "lora" not in sections else np.allclose(*outputs, atol=1e-5), name


@pytest.mark.parametrize("lora", [{}, {"rank": 2}])
@pytest.mark.parametrize(("encoders", "model"), [("per-task", {}), ("shared", OWN_LAYERS["model"])])
def test_transformers_loads_each_tasks_encoder_with_its_tokenizer(
    train: Train, tmp_path: Path, lora: dict[str, Any], encoders: str, model: dict[str, Any]
) -> None:
    """Wrong: encoders in each other's folders, or LoRA's updates merged into the first of them alone."""
    trained = train(encoders, lora=lora, model=model, optim={"learning_rate": 3e-2})
    save_model_folder(tmp_path, trained, {})
    hidden = []
    for task in trained.config.tasks:
        place = tmp_path / "encoders" / task
        reference = transformers.AutoModel.from_pretrained(place).eval()
        tokenizer = transformers.AutoTokenizer.from_pretrained(place)
        encoded = tokenizer(["the film is great .", "a dull plot"], padding=True, return_tensors="pt")
        ids, mask = encoded["input_ids"], encoded["attention_mask"].bool()
        with torch.inference_mode():
            hidden.append(trained.model.encoder(task)(ids, mask)[mask])
            theirs = reference(**encoded).last_hidden_state[mask]
        assert torch.allclose(hidden[-1], theirs, atol=1e-5)
    assert min((a - b).abs().max() for a, b in pairwise(hidden)) > 1e-2


def test_nothing_of_an_earlier_model_is_left_to_load(train: Train, tmp_path: Path) -> None:
    """Wrong: an encoder next to the new ones, which transformers would load, or one of a removed task."""
    models = {encoders: train(encoders) for encoders in PLACES}
    save_model_folder(tmp_path, train("shared", **PALS), {})
    assert (tmp_path / "task_layers.safetensors").is_file()
    (tmp_path / "encoders").mkdir()
    (tmp_path / "encoders" / "notes.txt").write_text("mine")
    for encoders in ("shared", "per-task", "shared"):
        save_model_folder(tmp_path, models[encoders], {})
        assert places(tmp_path) == PLACES[encoders]
        assert not (tmp_path / "task_layers.safetensors").exists()
        assert load_model_folder(tmp_path).config.model.encoders == encoders
    assert (tmp_path / "encoders" / "notes.txt").read_text() == "mine"


def test_an_unfinished_folder_is_not_a_model(train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong: the new encoders under the heads of the model before."""
    save_model_folder(tmp_path, train("shared"), {})
    other = train("shared", seed=5)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("core.model_files.model_folder.replace_file", killed)
    with pytest.raises(KeyboardInterrupt):
        save_model_folder(tmp_path, other, {})
    with pytest.raises(UserError, match=r"no run_config\.json; give a folder written by"):
        load_model_folder(tmp_path)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "vocab.txt", "encoders/para/config.json"])
def test_a_model_that_was_not_exported_is_not_replaced(train: Train, tmp_path: Path, name: str) -> None:
    """The folder may have the encoder that was trained from."""
    folder = tmp_path / "model"
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_text("mine")
    with pytest.raises(UserError, match=rf"model' has a model that was not exported \('{Path(name).name}'\)"):
        save_model_folder(folder, train("shared"), {})
    assert [path for path in folder.rglob("*") if path.is_file()] == [folder / name]
    assert (folder / name).read_text() == "mine"


@pytest.mark.parametrize("step", ["save_bert", "save_tokenizer", "Checksums"])
def test_an_interrupted_export_is_replaced(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    trained = train("per-task")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(f"core.model_files.model_folder.{step}", killed)
        save_model_folder(tmp_path, trained, {})
    save_model_folder(tmp_path, trained, {})
    assert load_model_folder(tmp_path).config == trained.config


def test_missing_or_other_task_layers_are_named(train: Train, tmp_path: Path) -> None:
    save_model_folder(tmp_path, train("shared", **PALS), {})
    path = tmp_path / "task_layers.safetensors"
    path.write_bytes((tmp_path / "heads.safetensors").read_bytes())
    with pytest.raises(UserError, match=r"task_layers\.safetensors: the file is damaged or was changed"):
        load_model_folder(tmp_path)
    (tmp_path / "checksums.json").unlink()
    with pytest.raises(UserError, match=r"task_layers\.safetensors: does not match run_config\.json: .*; export"):
        load_model_folder(tmp_path)
    path.unlink()
    with pytest.raises(UserError, match=r"task_layers\.safetensors: cannot be read: .*; export the model again"):
        load_model_folder(tmp_path)


def test_a_missing_encoder_is_named(train: Train, tmp_path: Path) -> None:
    save_model_folder(tmp_path, train("per-task"), {})
    shutil.rmtree(tmp_path / "encoders" / "para")
    with pytest.raises(UserError, match=r"encoders/para/config\.json: the file is missing; export the model again"):
        load_model_folder(tmp_path)


def test_a_tokenizer_in_part_is_refused(train: Train, tmp_path: Path) -> None:
    """From its vocabulary alone, a tokenizer can be read, but perhaps another one."""
    save_model_folder(tmp_path, train("shared"), {})
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(UserError, match=r"tokenizer\.json: the file is missing; export the model again"):
        load_model_folder(tmp_path)


@pytest.mark.parametrize("name", ["heads.safetensors", "encoders/para/model.safetensors"])
def test_a_damaged_file_is_refused(train: Train, tmp_path: Path, name: str) -> None:
    (tmp_path / "README.md").write_text("of the user")
    save_model_folder(tmp_path, train("per-task"), {})
    (tmp_path / "README.md").write_text("of the user, changed")
    load_model_folder(tmp_path)
    content = bytearray((tmp_path / name).read_bytes())
    content[-1] ^= 0x80
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=rf"{name}: the file is damaged or was changed.*; export the model again"):
        load_model_folder(tmp_path)
