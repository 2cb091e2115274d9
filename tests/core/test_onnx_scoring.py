"""A graph predicts whole splits as the model does, in any order and for several tasks at once."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from core import onnx_scoring
from core.model_files.formats import names
from core.model_files.formats.registry import plan_formats, write_formats
from core.model_files.model_folder import TrainedModel, save_model_folder
from core.onnx_scoring import OnnxGraph
from core.scoring import predict
from core.statistics import at_temperature
from data.batching import Batch
from data.errors import UserError
from data.examples import Examples
from tests.search.predict.conftest import WORDS, MakeModel, make_model, tokenizer

__all__ = ["make_model", "tokenizer"]

HEADS = {
    "sst": {"pooling": "mean"},
    "tone": {"pooling": "max"},
    "para": {"pair_order": "both", "pooling": "mean"},
    "sts": {"pair": "siamese", "pooling": "mean"},
}
rng = np.random.default_rng(0)
TEXTS = [" ".join(rng.choice(WORDS.split(), size)) for size in rng.integers(0, 60, 30)]


@pytest.fixture(scope="module")
def trained(make_model: MakeModel) -> TrainedModel:
    return make_model(heads=HEADS)


@pytest.fixture(scope="module")
def folder(trained: TrainedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model folder with a graph in float32, which is compared exactly; sst is calibrated."""
    place = tmp_path_factory.mktemp("graph") / "model"
    save_model_folder(place, trained, {})
    write_formats(place, trained, plan_formats(trained, ["onnx"]), {"sst": 2.0})
    return place / "onnx"


def examples_of(trained: TrainedModel, task: str) -> Examples:
    spec = trained.config.tasks[task].spec
    sentences: list[Any] = [(text,) for text in TEXTS]
    if spec.kind.is_pair:
        sentences = list(zip(TEXTS, reversed(TEXTS), strict=True))
    return Examples.from_sentences(spec, sentences, trained.tokenizer)


def expected(trained: TrainedModel, task: str) -> np.ndarray:
    found = predict(trained.model, trained.config, examples_of(trained, task), trained.layout, torch.device("cpu"))
    return at_temperature(found, 2.0) if task == "sst" else found


@pytest.mark.parametrize("tasks", [["sst", "tone"], ["tone"], ["para", "sts"], ["sts", "para"], ["para"]])
def test_predictions_are_those_of_the_model(
    trained: TrainedModel, folder: Path, tasks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order of the examples, from several batches; one pass for tasks that read the same rows."""
    monkeypatch.setattr(onnx_scoring, "_TOKENS", 200)
    graph = OnnxGraph(folder, trained.config, trained.layout)
    rows: list[int] = []
    padded = onnx_scoring._inputs

    def counted(parts: Sequence[Batch]) -> dict[str, np.ndarray]:
        inputs = padded(parts)
        rows.append(len(inputs["input_ids"]))
        assert inputs["input_ids"].size <= 200 or len(parts[0]) == 1
        return inputs

    monkeypatch.setattr(onnx_scoring, "_inputs", counted)
    found = graph.predict(examples_of(trained, tasks[0]), tasks)
    assert list(found) == tasks
    for task in tasks:
        assert found[task].dtype == np.float32
        assert np.allclose(found[task], expected(trained, task), rtol=0, atol=1e-4), task
    assert len(rows) > 4
    assert sum(rows) == len(TEXTS) * {("sst", "tone"): 1, ("tone",): 1, ("para",): 2}.get(tuple(tasks), 4)


def test_temperatures_of_the_graph(trained: TrainedModel, folder: Path) -> None:
    graph = OnnxGraph(folder, trained.config, trained.layout)
    assert {task: graph.temperature(task) for task in HEADS} == {"sst": 2.0, "tone": 1.0, "para": 1.0, "sts": 1.0}


def test_encoders_of_other_tasks_are_not_computed(make_model: MakeModel, tmp_path: Path) -> None:
    trained = make_model("sst", "tone", model={"encoders": "per-task"})
    write_formats(tmp_path, trained, plan_formats(trained, ["onnx"]))
    graph = OnnxGraph(tmp_path / "onnx", trained.config, trained.layout)
    options: list[Any] = []
    session = graph._session

    class Spy:
        def run(self, names: list[str], inputs: Any, given: Any) -> Any:
            options.append((names, given.only_execute_path_to_fetches))
            return session.run(names, inputs, given)

    graph._session = Spy()
    found = graph.predict(examples_of(trained, "tone"), ["tone"])["tone"]
    assert options
    assert all(one == (["tone"], True) for one in options)
    assert np.allclose(found, expected(trained, "tone"), rtol=0, atol=1e-4)


def test_threads_are_those_of_torch(trained: TrainedModel, folder: Path) -> None:
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            options = OnnxGraph(folder, trained.config, trained.layout)._session.get_session_options()
            assert options.intra_op_num_threads == threads
    finally:
        torch.set_num_threads(before)


def damage(name: str) -> Any:
    def change(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / name).write_bytes(content)

    return change


def described(content: str) -> Any:
    """Change the description, without checksums, as the message about damaged checksums suggests."""

    def change(folder: Path) -> None:
        (folder / "checksums.json").unlink()
        (folder / "model.json").write_text(content)

    return change


OTHER = r"model\.json: damaged, or of a model with other tasks; export the model again$"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (damage("model.onnx"), r"model\.onnx: the file is damaged or was changed, .*; export the model again$"),
        (damage("model.json"), r"model\.json: the file is damaged or was changed, .*; export the model again$"),
        (lambda folder: (folder / "model.onnx").unlink(), r"model\.onnx: cannot be read: No such file or directory; "),
        (lambda folder: (folder / "model.json").unlink(), r"model\.json: cannot be read: No such file or directory; "),
        (
            lambda folder: ((folder / "checksums.json").unlink(), (folder / "model.onnx").write_bytes(b"no graph")),
            rf"model\.onnx: onnxruntime {re.escape(onnxruntime.__version__)} does not load it; install 1\.32 or "
            r"later, or export the model again: .*INVALID_PROTOBUF",
        ),
        (described("{"), OTHER),
        (described("[]"), OTHER),
        (described("{}"), OTHER),
        (described('{"tasks": {"sst": {}}}'), OTHER),
        (described(json.dumps({"tasks": {task: {"temperature": 0} for task in HEADS}})), OTHER),
    ],
)
def test_a_damaged_folder(trained: TrainedModel, folder: Path, tmp_path: Path, change: Any, message: str) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    change(tmp_path)
    with pytest.raises(UserError, match=message) as refused:
        OnnxGraph(tmp_path, trained.config, trained.layout)
    assert "\n" not in str(refused.value)


def test_without_onnxruntime(trained: TrainedModel, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "find_spec", lambda _: None)
    with pytest.raises(UserError, match=r"needs onnxruntime: pip install -c constraints\.txt -e '\.\[onnx\]'$"):
        OnnxGraph(folder, trained.config, trained.layout)


@pytest.mark.parametrize("has_vnni", [True, False])
def test_sums_do_not_overflow_without_vnni(
    trained: TrainedModel, folder: Path, monkeypatch: pytest.MonkeyPatch, has_vnni: bool
) -> None:
    """With it, the option would take twice the time."""
    monkeypatch.setattr(onnx_scoring, "_has_vnni", lambda: has_vnni)
    options = OnnxGraph(folder, trained.config, trained.layout)._session.get_session_options()
    if has_vnni:
        with pytest.raises(RuntimeError, match="x64quantprecision"):
            options.get_session_config_entry("session.x64quantprecision")
    else:
        assert options.get_session_config_entry("session.x64quantprecision") == "1"
