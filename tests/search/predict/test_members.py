"""A model in int8: the numbers of its graph, calibrated or not, and what has no int8 form."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from rich.console import Console

import search
from core.model_files.formats.registry import plan_formats, write_formats
from core.model_files.model_folder import TrainedModel, load_without_weights, save_model_folder
from core.onnx_scoring import OnnxGraph
from core.statistics import TaskCalibration, at_temperature, calibrate_task
from data.errors import UserError
from data.examples import Examples
from data.rows import RowLayout
from search.predict.file_job import FileJob
from search.predict.members import load_member
from search.predict.model import Model, ModelSource, find_tasks
from tests.search.predict.conftest import SPECS, WORDS, MakeModel

rng = np.random.default_rng(0)
SINGLE = [" ".join(rng.choice(WORDS.split(), size)) for size in rng.integers(0, 50, 40)]
PAIRS = list(zip(SINGLE, reversed(SINGLE), strict=True))
TASKS = ("sst", "tone", "para", "sts")


@pytest.fixture(scope="module")
def trained(make_model: MakeModel) -> TrainedModel:
    return make_model(*TASKS)


@pytest.fixture(scope="module")
def calibration() -> TaskCalibration:
    """Return that of a task whose probabilities are far too sure, so that its temperature is far from 1."""
    true = rng.dirichlet(np.ones(3), 500)
    labels = np.array([rng.choice(3, p=row) for row in true])
    return calibrate_task(SPECS["tone"], at_temperature(true, 0.25), labels)


@pytest.fixture(scope="module")
def folder(trained: TrainedModel, calibration: TaskCalibration, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("int8") / "model"
    assert calibration.temperature > 2
    save_model_folder(place, trained, {}, {"tone": calibration})
    write_formats(place, trained, plan_formats(trained, ["onnx-int8"]), {"tone": calibration.temperature})
    return place


def outputs(model: Model, task: str) -> np.ndarray:
    found = model.predict(PAIRS if SPECS[task].kind.is_pair else SINGLE, task)
    return np.asarray(found.values if found.probabilities is None else found.probabilities)


def test_predictions_are_those_of_the_graph(folder: Path) -> None:
    """Near those of the model, but not equal."""
    model, exact = search.load_model(folder, precision="int8"), search.load_model(folder, "cpu")
    config, tokenizer = load_without_weights(folder)
    layout = RowLayout.of(tokenizer, config.model.max_length)
    graph = OnnxGraph(folder / "onnx-int8", config, layout)
    for task in TASKS:
        sentences = PAIRS if SPECS[task].kind.is_pair else [(text,) for text in SINGLE]
        examples = Examples.from_sentences(SPECS[task], sentences, tokenizer)
        found = outputs(model, task)
        assert np.allclose(found, graph.predict(examples, [task])[task], rtol=0, atol=1e-5), task
        difference = np.abs(found - outputs(exact, task)).max()
        assert 1e-5 < difference < (1.0 if SPECS[task].kind.is_score else 0.3), (task, difference)
    both = model.predict(SINGLE)
    assert list(both) == ["sst", "tone"]


def test_probabilities_that_are_not_calibrated(folder: Path, calibration: TaskCalibration) -> None:
    """The temperature that is in the graph is taken out."""
    calibrated, plain = (search.load_model(folder, calibrated=given, precision="int8") for given in (True, False))
    assert np.allclose(
        outputs(calibrated, "tone"), at_temperature(outputs(plain, "tone"), calibration.temperature), rtol=0, atol=1e-6
    )
    exact = outputs(search.load_model(folder, "cpu", calibrated=False), "tone")
    assert np.abs(outputs(plain, "tone") - exact).mean() < 0.25 * np.abs(outputs(calibrated, "tone") - exact).mean()
    assert np.array_equal(outputs(calibrated, "sst"), outputs(plain, "sst"))


def test_the_weights_are_not_loaded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("core.model_files.model_folder.load_bert_weights", never)
    assert len(search.load_model(folder, precision="int8").predict(SINGLE, "sst")) == len(SINGLE)


@pytest.mark.parametrize("workers", [1, 2])
def test_files(folder: Path, tmp_path: Path, workers: int) -> None:
    pd.DataFrame({"body": SINGLE}).to_csv(tmp_path / "x.csv")
    source = ModelSource(folder, "auto", "int8")
    job = FileJob(source, find_tasks(folder, ["tone"]), tmp_path / "x.csv", tmp_path / "y.csv", (), workers)
    job.run(Console(file=io.StringIO()))
    found = pd.read_csv(tmp_path / "y.csv").iloc[:, 2:].to_numpy()
    assert np.allclose(found, outputs(search.load_model(folder, precision="int8"), "tone"), rtol=0, atol=1e-6)


def test_no_int8_form(saved: Path, ensemble: Path, folder: Path) -> None:
    with pytest.raises(UserError, match=r"the model has no int8 form; export it with --format onnx-int8, which says"):
        search.load_model(saved, precision="int8")
    with pytest.raises(UserError, match=r"an ensemble has no int8 form; use another precision$"):
        search.load_model(ensemble, precision="int8")
    with pytest.raises(UserError, match=r"^precision 'int8' is for the CPU, not for 'cuda'$"):
        search.load_model(folder, "cuda", precision="int8")


def test_the_graph_of_another_model(folder: Path, make_model: MakeModel, tmp_path: Path) -> None:
    """Of the same configuration, and undamaged."""
    save_model_folder(tmp_path, make_model(*TASKS, seed=1), {})
    shutil.copytree(folder / "onnx-int8", tmp_path / "onnx-int8")
    with pytest.raises(UserError, match=r"onnx-int8: of another model than that in '.*'; export the model again$"):
        search.load_model(tmp_path, precision="int8")


def test_a_damaged_model_folder(make_model: MakeModel, tmp_path: Path) -> None:
    save_model_folder(tmp_path, make_model("sst"), {})
    (tmp_path / "tokenizer.json").write_bytes(b"{}")
    with pytest.raises(UserError, match=r"tokenizer\.json: the file is damaged or was changed"):
        load_member(tmp_path, torch.device("cpu"), "int8")
