"""Say what int8 costs: the scores of an exported graph on dev, and how many of its predictions are others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from core.config import RunConfig
from core.onnx_scoring import OnnxGraph
from core.statistics import at_temperature, own_metric
from data.examples import Examples
from data.rows import RowLayout

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
    graph = OnnxGraph(folder, config, layout)
    sentences = []
    for task, (examples, found) in dev.items():
        ours = at_temperature(found, temperatures[task]) if task in temperatures else found
        theirs = graph.predict(examples, [task])[task]
        spec, gold = examples.spec, np.asarray(examples.labels)
        before, after = (own_metric(spec, outputs, gold) for outputs in (ours, theirs))
        if spec.kind.is_score:
            changed = f"scores differ by {np.abs(theirs - ours).mean():.2g} on average"
        else:
            changed = f"{np.mean(theirs.argmax(axis=1) == ours.argmax(axis=1)):.1%} of the predictions are the same"
        sentences.append(f"onnx-int8: {task} {spec.metric.name} {after:.4f} on dev, {before:.4f} before; {changed}.")
    return sentences
