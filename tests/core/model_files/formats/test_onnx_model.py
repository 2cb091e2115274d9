"""ONNX Runtime predicts what we predict, for every task, from one graph."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
import pytest
import torch
from onnxruntime import InferenceSession
from tokenizers import Tokenizer

from core.config.model import LoraConfig
from core.model.lora import add_lora
from core.model_files.formats import onnx_model
from core.model_files.formats.registry import plan_formats, write_formats
from core.model_files.formats.whole_model import INPUTS, WholeModel
from core.model_files.model_folder import TrainedModel, save_model_folder
from core.statistics import at_temperature
from data.errors import UserError

MakeModel = Callable[..., TrainedModel]
Predict = Callable[[TrainedModel, str, Sequence[tuple[str, ...]]], np.ndarray]

LONG = "a very long film " * 12
FIRST = ("the film is great", "a dull plot , but not slow", "", "Thin and SLOW", LONG, LONG)
SECOND = ("the plot", "great film", "fine", "", LONG, "a fine film")
PAIRS = tuple(zip(FIRST, SECOND, strict=True))
COSINE = {"pair": "siamese", "combine": "cos"}


@pytest.fixture(autouse=True)
def _no_trace_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep pytest from listening to torch's log of tracing, which takes longer than the tracing."""
    monkeypatch.setattr(logging.getLogger("torch.__trace"), "handlers", [])


class Runtime:
    """A folder, used as its README says."""

    def __init__(self, folder: Path) -> None:
        self.session = InferenceSession(folder / "model.onnx")
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.description = json.loads((folder / "model.json").read_text())

    def predict(self, task: str, examples: Sequence[tuple[str, ...]]) -> np.ndarray:
        form = self.description["tasks"][task]["rows"]
        rows: list[Any] = [one if len(one) == 2 else one[0] for one in examples]
        if form == "both-orders":
            rows += [one[::-1] for one in examples]
        elif form == "sentences-of-pairs":
            rows = [first for first, _ in examples] + [second for _, second in examples]
        encoded = self.tokenizer.encode_batch(rows)
        fields = zip(INPUTS, ("ids", "attention_mask", "type_ids"), strict=True)
        inputs = {name: np.array([getattr(row, field) for row in encoded]) for name, field in fields}
        assert inputs["input_ids"].shape[1] <= self.description["max_length"]
        found: np.ndarray = self.session.run([task], inputs)[0]
        return found


def written(tmp_path: Path, trained: TrainedModel, name: str = "onnx", **temperatures: float) -> Runtime:
    plan = plan_formats(trained, [name])  # type: ignore[list-item]
    assert (plan.formats, plan.refusals) == ({name: name}, [])
    save_model_folder(tmp_path, trained, {})
    write_formats(tmp_path, trained, plan, temperatures)
    return Runtime(tmp_path / name)


def check(runtime: Runtime, trained: TrainedModel, predicted: Predict, tasks: Sequence[str] = ()) -> None:
    for task in tasks or trained.config.tasks:
        is_pair = trained.config.tasks[task].spec.kind.is_pair
        examples: Sequence[tuple[str, ...]] = PAIRS if is_pair else [(text,) for text in FIRST]
        ours = predicted(trained, task, examples)
        for some in (slice(0, 6), slice(0, 1), slice(2, 3), slice(1, 4)):  # padded with others, and alone
            theirs = runtime.predict(task, examples[some])
            assert theirs.shape == ours[some].shape
            assert np.allclose(theirs, ours[some], rtol=0, atol=1e-4)
        assert np.ptp(ours, axis=0).max() > 1e-3


def test_every_task_of_a_model(make_model: MakeModel, predicted: Predict, tmp_path: Path) -> None:
    """All poolings and kinds of pairs at once, calibrated, and what the folder says of them."""
    heads = {
        "sst": {"pooling": "mean"},
        "tone": {"pooling": "max", "layers": 3},
        "para": {"pair_order": "both", "pooling": "pooler", "loss": "bce"},
        "sts": {**COSINE, "pooling": "mean", "side_layers": 1},
    }
    trained = make_model(heads=heads, model={"max_length": 24})
    runtime = written(tmp_path, trained, tone=2.5)
    calibrated = at_temperature(predicted(trained, "tone", [(text,) for text in FIRST]), 2.5)
    assert np.allclose(runtime.predict("tone", [(text,) for text in FIRST]), calibrated, rtol=0, atol=1e-4)
    check(runtime, trained, predicted, ("sst", "para", "sts"))
    tasks = runtime.description["tasks"]
    assert tasks["sst"] == {
        "output": "sst",
        "rows": "sentence",
        "values": "probabilities",
        "classes": list(trained.config.tasks["sst"].spec.classes),
    }
    assert tasks["tone"]["temperature"] == 2.5
    assert tasks["para"]["rows"] == "both-orders"
    assert tasks["sts"] == {"output": "sts", "rows": "sentences-of-pairs", "values": "scores", "score_range": [0, 5]}
    assert runtime.description["padding_id"] == trained.layout.pad_id
    assert runtime.description["encoder_passes"] == 1
    _any_size(runtime, trained)


def _any_size(runtime: Runtime, trained: TrainedModel) -> None:
    """Rows of one token up to the longest, in batches of one row and more, padded in the middle of a batch."""
    whole, generator = WholeModel(trained, {"tone": 2.5}).eval(), torch.Generator().manual_seed(1)
    for rows, tokens in ((1, 1), (2, 1), (1, 24), (3, 7), (33, 24)):
        lengths = torch.randint(1, tokens + 1, (rows, 1), generator=generator)
        mask = (torch.arange(tokens) < lengths).long()
        inputs = (torch.randint(70, (rows, tokens), generator=generator), mask, torch.zeros_like(mask))
        with torch.inference_mode():
            expected = whole(*inputs)
        found = runtime.session.run(None, {name: one.numpy() for name, one in zip(INPUTS, inputs, strict=True)})
        for ours, theirs in zip(expected, found, strict=True):
            assert np.allclose(ours.numpy(), theirs, rtol=0, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    "sections",
    [
        {"heads": {"sst": {"pooling": "pooler"}, "sts": {"output": "classes"}}},
        {"heads": {"sts": {"output": "linear", "loss": "mse"}, "para": {"pair": "siamese", "combine": "uv-diff"}}},
        {"heads": {"sts": {**COSINE, "output": "relu-cos"}, "para": {**COSINE, "cosine_threshold": 0.2}}},
        {"heads": {"sts": {"output": "classes", "score_classes": 11, "score_from": "argmax"}}},
        {"model": {"encoders": "per-task"}},
        {"model": {"own_layers": 1}},
        {"task_layers": {"kind": "adapter", "size": 4}},
        {"task_layers": {"kind": "pal", "size": 4, "heads": 2}},
    ],
)
def test_other_models(make_model: MakeModel, predicted: Predict, tmp_path: Path, sections: dict[str, Any]) -> None:
    trained = make_model(**sections)
    runtime = written(tmp_path, trained)
    check(runtime, trained, predicted)
    several = "model" in sections or "task_layers" in sections
    assert runtime.description["encoder_passes"] == (4 if several else 1)
    assert ("only_execute_path_to_fetches" in (tmp_path / "onnx" / "README.md").read_text()) == several


@pytest.mark.slow
def test_updates_of_lora_are_merged(make_model: MakeModel, predicted: Predict, tmp_path: Path) -> None:
    """The trained model itself does not change."""
    trained = make_model("sst", "para", lora={"rank": 2, "targets": "all-linear"})
    add_lora(trained.model.encoder("sst"), LoraConfig(rank=2, targets="all-linear"), seed=1)
    for name, parameter in trained.model.named_parameters():
        if name.endswith("lora_b"):
            torch.nn.init.normal_(parameter)
    check(written(tmp_path, trained), trained, predicted)
    assert any(name.endswith("lora_b") for name, _ in trained.model.named_parameters())


def test_equal_weights_are_written_once() -> None:
    """As those of the layers that several encoders share."""
    rows = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [2]) for name in ("in", "out")]
    weights = {"a": [1.0, 2.0], "b": [1.0, 2.0], "c": [1.0, 3.0]}
    tensors = [onnx.numpy_helper.from_array(np.array(one, dtype=np.float32), name) for name, one in weights.items()]
    nodes = [
        onnx.helper.make_node("Add", ["in", "a"], ["x"]),
        onnx.helper.make_node("Mul", ["x", "b"], ["y"]),
        onnx.helper.make_node("Sub", ["y", "c"], ["out"]),
    ]
    graph = onnx.helper.make_graph(nodes, "graph", rows[:1], rows[1:], tensors)
    onnx_model._share_weights(graph)
    assert [tensor.name for tensor in graph.initializer] == ["a", "c"]
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=10)
    (found,) = InferenceSession(model.SerializeToString()).run(None, {"in": np.array([0.5, 1.0], dtype=np.float32)})
    assert found.tolist() == [0.5, 3.0]


def test_why_not(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = make_model("sst")
    assert onnx_model.why_not(trained) is None
    monkeypatch.setattr(onnx_model, "_MOST_BYTES", 1000)
    plan = plan_formats(trained, ["onnx"])
    assert not plan.formats
    assert plan.refusals == [
        "The model is not written as onnx: its weights take 0.0 GiB, and a file of ONNX holds 2 GiB at most. "
        "onebert predict and search.load_model predict it."
    ]


def test_a_graph_that_predicts_something_else_is_refused(make_model: MakeModel, tmp_path: Path) -> None:
    trained = make_model("sst")
    whole = WholeModel(trained, {}).eval()
    graph = onnx_model._traced(whole, 40)
    attentions = [node.op_type for node in graph.graph.node].count("Attention")
    assert attentions == trained.model.encoder("sst").config.num_hidden_layers, "one operation in each layer"
    assert b".py" not in graph.SerializeToString(), "places in sources are left out"
    torch.nn.init.normal_(trained.model.heads["sst"].layers[-1].weight)  # type: ignore[union-attr,index]
    with pytest.raises(UserError, match="task sst: ONNX Runtime does not predict what the model does"):
        onnx_model._check(graph.SerializeToString(), whole, trained)
    int8 = tmp_path / "int8.onnx"
    int8.write_bytes(onnx_model._quantised(graph))
    assert [node.op_type for node in onnx.load(int8).graph.node].count("Attention") == attentions
    assert b"MatMulInteger" in int8.read_bytes()
