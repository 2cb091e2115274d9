"""Predict whole splits with a graph that was exported for ONNX Runtime."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.config import RunConfig
from core.inputs.task_data import sorted_batches
from core.model_files.formats.names import check_onnx
from core.model_files.formats.onnx_model import DESCRIPTION, MODEL
from core.model_files.formats.whole_model import INPUTS, RowForm, row_form
from core.run.checksums import Checksums
from data.batching import Batch
from data.errors import UserError
from data.examples import Examples
from data.rows import RowLayout, assemble

__all__ = ["OnnxGraph"]

_AGAIN = "export the model again"
_TOKENS = 1024  # of a pass, with padding: with 2,048, which suits float32, int8 takes a tenth more time


class OnnxGraph:
    """A folder of ``onebert export --format onnx`` or ``onnx-int8``, ready to predict on the CPU.

    Rows are those of the model itself. Several threads may use a graph at the same time; calls
    share as many threads as torch had when the graph was loaded.

    Args:
        folder: of the graph.
        config: of the model's run.
        layout: how rows are put together.

    Raises:
        UserError: if onnxruntime is not installed, or the graph is missing, damaged, of other tasks, or not for this
            version of onnxruntime.

    Attributes:
        heads: digest of the heads of the model that it was written from, as
            :func:`core.model_files.model_folder.heads_digest`; empty if not recorded.
    """

    def __init__(self, folder: Path, config: RunConfig, layout: RowLayout) -> None:
        self._config, self._layout = config, layout
        self._session = _session(folder)
        self.heads, self._temperatures = _read_description(folder / DESCRIPTION, config)

    def temperature(self, task: str) -> float:
        """Return what calibrates a task's probabilities in the graph, above 0; 1 if nothing does."""
        return self._temperatures[task]

    def predict(self, examples: Examples, tasks: Sequence[str]) -> dict[str, np.ndarray]:
        """Return class probabilities (N, K) or scores (N,) of each task, float32, in the examples' order.

        Tasks whose rows have the same form are predicted from one pass of the graph. With int8, the other examples of a
        batch change predictions slightly: all its activations are rounded to the same 256 numbers.

        Args:
            examples: at least one, of one of the tasks; all tasks read their sentences.
            tasks: names of tasks that read as many sentences per example.
        """
        groups: dict[RowForm, list[str]] = {}
        for task in tasks:
            form = row_form(self._config.tasks[task].spec, self._config.heads[task])
            groups.setdefault(form, []).append(task)
        outputs: dict[str, np.ndarray] = {}
        for form, names in groups.items():
            own = replace(examples, spec=self._config.tasks[names[0]].spec)
            outputs |= self._predict_together(own, names, form == "both-orders")
        return {task: outputs[task] for task in tasks}

    def _predict_together(self, examples: Examples, tasks: list[str], both_orders: bool) -> Mapping[str, np.ndarray]:
        from onnxruntime import RunOptions

        options = RunOptions()
        options.only_execute_path_to_fetches = True  # other tasks may have encoders of their own
        found: dict[str, np.ndarray] = {}
        siamese = self._config.heads[tasks[0]].pair == "siamese"
        tokens = _TOKENS // 2 if both_orders else _TOKENS
        for batch in sorted_batches(examples, self._layout, siamese, self._config.eval.batch_size, tokens=tokens):
            numbers = batch.positions.numpy()
            parts = [batch]
            if both_orders:
                swapped = np.ones(len(batch), dtype=bool)
                parts.append(assemble(examples, numbers, self._layout, siamese=False, swapped=swapped))
            for task, predicted in zip(tasks, self._session.run(tasks, _inputs(parts), options), strict=True):
                if task not in found:
                    found[task] = np.empty((len(examples), *predicted.shape[1:]), dtype=predicted.dtype)
                found[task][numbers] = predicted
        return found


def _session(folder: Path) -> Any:
    """Load the graph, an ``onnxruntime.InferenceSession``."""
    check_onnx("a graph of ONNX")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    if not _has_vnni():  # sums of int8 products may overflow there; with VNNI, the option takes twice the time
        options.add_session_config_entry("session.x64quantprecision", "1")
    content = _checked(folder / MODEL)
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no class in common
        why = " ".join(str(error).split())
        raise UserError(
            f"{folder / MODEL}: onnxruntime {onnxruntime.__version__} does not load it; install 1.32 or later, or "
            f"{_AGAIN}: {why}"
        ) from error


def _has_vnni() -> bool:
    """Return whether an x86 processor sums int8 products without overflow; a torch that cannot say so has none."""
    found: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(found.get("avx512_vnni") or found.get("avx_vnni"))


def _read_description(path: Path, config: RunConfig) -> tuple[str, dict[str, float]]:
    """Return the digest of the heads, and the temperature of each of the run's tasks."""
    content = _checked(path)
    try:
        stored = json.loads(content)
        heads, tasks = str(stored.get("heads_sha256", "")), stored["tasks"]
        temperatures = {task: float(tasks[task].get("temperature", 1.0)) for task in config.tasks}
    except (ValueError, KeyError, TypeError, AttributeError):
        temperatures = {}
    if not temperatures or not all(0 < temperature < math.inf for temperature in temperatures.values()):
        raise UserError(f"{path}: damaged, or of a model with other tasks; {_AGAIN}")
    return heads, temperatures


def _checked(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}; {_AGAIN}") from error
    Checksums(path.parent).check(path, _AGAIN, content)
    return content


def _inputs(parts: Sequence[Batch]) -> dict[str, np.ndarray]:
    rows = [batch.padded() for batch in parts]  # of the same lengths: a pair has as many tokens in either order
    tensors = (
        torch.cat([one.input_ids for one in rows]),
        torch.cat([one.attention_mask for one in rows]).long(),
        torch.cat([one.token_type_ids for one in rows]),
    )
    return {name: tensor.numpy() for name, tensor in zip(INPUTS, tensors, strict=True)}
