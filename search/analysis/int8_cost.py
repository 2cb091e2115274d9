"""Say what int8 costs: the scores of an exported graph on dev, and how many of its predictions are others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.config import RunConfig
from core.model_files.formats.onnx_model import MODEL
from core.scoring import scored_batches
from core.statistics import at_temperature, own_metric
from data.batching import Batch
from data.examples import Examples
from data.rows import RowLayout, assemble

__all__ = ["int8_sentences"]


def int8_sentences(
    folder: Path,
    config: RunConfig,
    layout: RowLayout,
    dev: Mapping[str, tuple[Examples, np.ndarray]],
    temperatures: Mapping[str, float],
) -> list[str]:
    """Return a sentence for each task that compares the graph with the model.

    Args:
        folder: the folder of the graph.
        config: the run.
        layout: how rows are put together.
        dev: examples with labels, and the model's own predictions, not calibrated, by task.
        temperatures: by task, those that are in the graph; 1 for tasks that it lacks.
    """
    from onnxruntime import InferenceSession

    session = InferenceSession(folder / MODEL, providers=["CPUExecutionProvider"])
    sentences = []
    for task, (examples, found) in dev.items():
        ours = at_temperature(found, temperatures[task]) if task in temperatures else found
        theirs = _predicted(session, config, layout, examples)
        spec, gold = examples.spec, np.asarray(examples.labels)
        before, after = (own_metric(spec, outputs, gold) for outputs in (ours, theirs))
        if spec.kind.is_score:
            changed = f"scores differ by {np.abs(theirs - ours).mean():.2g} on average"
        else:
            changed = f"{np.mean(theirs.argmax(axis=1) == ours.argmax(axis=1)):.1%} of the predictions are the same"
        sentences.append(f"onnx-int8: {task} {spec.metric.name} {after:.4f} on dev, {before:.4f} before; {changed}.")
    return sentences


def _predicted(session: Any, config: RunConfig, layout: RowLayout, examples: Examples) -> np.ndarray:
    task = examples.spec.name
    both = config.heads[task].pair_order == "both"
    outputs, positions = [], []
    for batch in scored_batches(config, examples, layout, torch.device("cpu")):
        numbers = batch.positions.numpy()
        parts = [batch]
        if both:
            parts.append(assemble(examples, numbers, layout, siamese=False, swapped=np.ones(len(batch), dtype=bool)))
        outputs.append(session.run([task], _inputs(parts))[0])
        positions.append(numbers)
    order = np.concatenate(positions)
    found = np.concatenate(outputs)
    in_order: np.ndarray = np.empty_like(found)
    in_order[order] = found
    return in_order


def _inputs(parts: list[Batch]) -> dict[str, np.ndarray]:
    rows = [batch.padded() for batch in parts]  # of the same lengths: a pair has as many tokens in either order
    tensors = {
        "input_ids": torch.cat([one.input_ids for one in rows]),
        "attention_mask": torch.cat([one.attention_mask for one in rows]).long(),
        "token_type_ids": torch.cat([one.token_type_ids for one in rows]),
    }
    return {name: tensor.numpy() for name, tensor in tensors.items()}
