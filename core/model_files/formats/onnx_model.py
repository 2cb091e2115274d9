"""Write the whole model for ONNX Runtime: one graph with an output for every task, in float32 or with int8 weights.

The folder has the graph, a tokenizer that cuts and pads rows as in training, a description of inputs and outputs for
programs, and a README for people. The graph is compared with the model before it is written.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.export import Dim

from core.model_files.formats.onnx_readme import readme
from core.model_files.formats.task_model import json_file
from core.model_files.formats.whole_model import INPUTS, WholeModel
from core.model_files.model_folder import TrainedModel, heads_digest
from core.run.checksums import Checksums
from data.errors import UserError
from data.tokenizer import SAVED_TOKENIZER, special_ids, tokenizer_files

__all__ = ["DESCRIPTION", "MODEL", "why_not", "write", "write_int8"]

MODEL: Final = "model.onnx"
DESCRIPTION: Final = "model.json"

_OPSET: Final = 23  # the first with Attention
_MOST_BYTES: Final = 2**31 - 2**20  # of one protobuf message, with a megabyte for what is not weights
_TOLERANCE: Final = 1e-4  # relative to the range of a score
_ROWS, _TOKENS = 6, 4  # traced; a row has five tokens or more at most


def why_not(trained: TrainedModel) -> str | None:
    """Say why a graph cannot hold the model; None if it can."""
    if taken := [task for task in trained.config.tasks if task in INPUTS]:
        return f"a task has the name of an input of its graph, '{taken[0]}'; give the task another name"
    size = sum(tensor.numel() * tensor.element_size() for tensor in trained.model.parameters())
    if size > _MOST_BYTES:
        return f"its weights take {size / 2**30:.1f} GiB, and a file of ONNX holds 2 GiB at most"
    return None


def write(place: Path, trained: TrainedModel, temperatures: Mapping[str, float]) -> None:
    """Write the graph in float32, its tokenizer, description and README.

    Args:
        place: the folder; created if missing.
        trained: a model on the CPU that :func:`why_not` finds no reason against.
        temperatures: what calibrates the probabilities of a task; 1 for those that it lacks.

    Raises:
        UserError: if the graph does not predict what the model does.
    """
    whole = WholeModel(trained, temperatures).eval()
    content = _traced(whole, trained.config.model.max_length).SerializeToString()
    _check(content, whole, trained)
    _write(place, content, trained, whole, "float32")


def write_int8(place: Path, trained: TrainedModel, temperatures: Mapping[str, float]) -> None:
    """Write what :func:`write` does, with the encoders' weights as int8 and their activations quantised as they come.

    Heads stay float32: they are small, and the last to round. See :func:`write`.
    """
    whole = WholeModel(trained, temperatures).eval()
    graph = _traced(whole, trained.config.model.max_length)
    _check(graph.SerializeToString(), whole, trained)
    _write(place, _quantised(graph), trained, whole, "int8")


def _traced(whole: WholeModel, max_length: int) -> Any:
    """Return the graph, an ``onnx.ModelProto``."""
    ids = torch.ones((_ROWS, _TOKENS), dtype=torch.int64)
    inputs = (ids, torch.ones_like(ids), torch.zeros_like(ids))
    sizes = {0: Dim("rows"), 1: Dim("tokens", max=max_length)}
    with _quiet(), torch.inference_mode(False), torch.no_grad():
        program = torch.onnx.export(
            whole,
            inputs,
            dynamo=True,
            input_names=list(INPUTS),
            output_names=list(whole.tasks),
            dynamic_shapes=(sizes, sizes, sizes),
            opset_version=_OPSET,
            external_data=False,
            verbose=False,
        )
    assert program is not None
    graph = program.model_proto
    # Places in the sources of this machine: most of a small file, and nobody else's business.
    for part in (graph, graph.graph, *graph.graph.node, *graph.graph.value_info, *graph.graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    _share_weights(graph.graph)
    return graph


def _share_weights(graph: Any) -> None:
    """Keep one of equal tensors: the exporter writes the modules that several encoders have in common once for each."""
    from onnx import numpy_helper

    names: dict[tuple[object, ...], str] = {}
    same: dict[str, str] = {}
    for tensor in graph.initializer:
        content = numpy_helper.to_array(tensor).tobytes()
        key = (tensor.data_type, tuple(tensor.dims), hashlib.sha256(content).digest())
        same[tensor.name] = names.setdefault(key, tensor.name)
    for node in graph.node:
        node.input[:] = [same.get(name, name) for name in node.input]
    for tensors in (graph.initializer, graph.value_info):
        kept = [tensor for tensor in tensors if same.get(tensor.name, tensor.name) == tensor.name]
        del tensors[:]
        tensors.extend(kept)


def _quantised(graph: Any) -> bytes:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    of_heads = [node.name for node in graph.graph.node if any(".heads." in name for name in node.input)]
    with tempfile.TemporaryDirectory() as folder, _quiet():
        source, target = Path(folder) / "float32.onnx", Path(folder) / "int8.onnx"
        source.write_bytes(graph.SerializeToString())
        # Names of both kinds, because linear layers become products first.
        excluded = [*of_heads, *(f"{name}_MatMul" for name in of_heads)]
        quantize_dynamic(
            source,
            target,
            op_types_to_quantize=["Gather", "MatMul"],  # not Attention, whose quantised form is another operation
            weight_type=QuantType.QInt8,
            per_channel=True,
            nodes_to_exclude=excluded,
        )
        return target.read_bytes()


def _check(content: bytes, whole: WholeModel, trained: TrainedModel) -> None:
    """Compare the graph with the model on rows of other sizes than the traced ones, some padded.

    Raises:
        UserError: if they differ.
    """
    from onnxruntime import InferenceSession

    session = InferenceSession(content, providers=["CPUExecutionProvider"])
    longest = trained.config.model.max_length
    generator = torch.Generator().manual_seed(0)
    for rows, tokens in ((1, 2), (4, longest)):
        ids = torch.randint(trained.tokenizer.get_vocab_size(), (rows, tokens), generator=generator)
        lengths = torch.randint(1, tokens + 1, (rows, 1), generator=generator)
        mask = (torch.arange(tokens) < lengths).long()
        segments = (torch.arange(tokens) >= lengths // 2).long() * mask
        inputs = (ids, mask, segments)
        with torch.inference_mode():
            expected = whole(*inputs)
        found = session.run(None, {name: one.numpy() for name, one in zip(INPUTS, inputs, strict=True)})
        for task, ours, theirs in zip(whole.tasks, expected, found, strict=True):
            low, high = trained.config.tasks[task].spec.score_range or (0.0, 1.0)
            if not np.allclose(ours.numpy(), theirs, rtol=0, atol=_TOLERANCE * max(1.0, high - low)):
                raise UserError(
                    f"task {task}: ONNX Runtime does not predict what the model does; leave out this --format"
                )


def _write(place: Path, graph: bytes, trained: TrainedModel, whole: WholeModel, precision: str) -> None:
    description = _description(trained, whole, precision)
    checksums = Checksums(place)
    files = {
        SAVED_TOKENIZER[0]: _tokenizer(trained).to_str(pretty=True).encode(),
        DESCRIPTION: json_file(description),
        "README.md": readme(description).encode(),
    }
    checksums.write({place / name: content for name, content in files.items()})
    # Last, because it makes the folder loadable.
    checksums.write_large(place / MODEL, lambda file: file.write(graph))


def _tokenizer(trained: TrainedModel) -> Tokenizer:
    """Return the tokenizer that makes the rows of a batch: cut, and padded to the longest."""
    longest = trained.config.model.max_length
    tokenizer = Tokenizer.from_str(tokenizer_files(trained.tokenizer, longest)[SAVED_TOKENIZER[0]].decode())
    tokenizer.enable_truncation(longest, strategy="longest_first")
    tokenizer.enable_padding(pad_id=trained.layout.pad_id, pad_token="[PAD]")
    return tokenizer


def _description(trained: TrainedModel, whole: WholeModel, precision: str) -> dict[str, Any]:
    tasks = {}
    for task, one in trained.config.tasks.items():
        spec = one.spec
        if spec.score_range is None:
            meaning: dict[str, Any] = {"values": "probabilities", "classes": list(spec.classes)}
            meaning |= {"temperature": whole.temperatures[task]} if whole.temperatures[task] != 1.0 else {}
        else:
            meaning = {"values": "scores", "score_range": list(spec.score_range)}
        tasks[task] = {"output": task, "rows": whole.forms[task], **meaning}
    return {
        "model": MODEL,
        "precision": precision,
        "heads_sha256": heads_digest(trained.model.heads),
        "inputs": {name: {"shape": ["rows", "tokens"], "type": "int64"} for name in INPUTS},
        "max_length": trained.config.model.max_length,
        "padding_id": special_ids(trained.tokenizer).pad,
        "encoder_passes": whole.encoder_passes,
        "tasks": tasks,
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's and the quantiser's advice to developers off the terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
