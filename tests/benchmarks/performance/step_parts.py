"""Say where the time of a training step goes, from torch's profiler."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch.profiler import ProfilerActivity, profile, record_function

from tests.benchmarks.performance.ours import WARM_UP, Ours
from tests.benchmarks.performance.setting import Setting

__all__ = ["PARTS", "measure_parts", "part_of", "table"]

_SCOPE = "part: "
_REST = "other operations"
_PYTHON = "Python and the profiler's blind spots"
_WHOLE = "the whole step"

# Parts by the names of operations, the first that fits; and those that are found by who calls them.
_OPERATIONS = {
    "GEMM": ("mm", "addmm", "linear", "matmul", "mkldnn"),
    "attention": ("scaled_dot_product", "flash_attention", "softmax", "bmm", "baddbmm"),
    "LayerNorm": ("layer_norm",),
    "GELU": ("gelu",),
    "dropout": ("dropout", "bernoulli", "random_", "rand"),
    "embedding": ("embedding", "index_select"),
}
_CALLERS = ("optimiser", "clipping", "data")
PARTS = (*_OPERATIONS, *_CALLERS, _REST, _PYTHON)


def part_of(operation: str, callers: Iterable[str]) -> str:
    """Return the part of a step that an operation belongs to.

    Args:
        operation: its name, such as ``aten::addmm``.
        callers: names of what called it, the nearest first.
    """
    for caller in (operation, *callers):
        if caller.startswith(_SCOPE):
            return caller.removeprefix(_SCOPE)
    name = operation.removeprefix("aten::").lstrip("_")
    for part, names in _OPERATIONS.items():
        if any(name == one or (len(one) > 3 and one in name) for one in names):
            return part
    return _REST


def measure_parts(
    setting: Setting, batch_sizes: Sequence[int], rounds: int, examples: int, folder: Path
) -> dict[int, dict[str, float]]:
    """Return the milliseconds of a step by batch size and part, and of the whole step; the medians of the rounds."""
    found = {}
    for batch_size in batch_sizes:
        ours = Ours(setting, "sst", batch_size, folder / f"parts-{batch_size}")
        _mark(ours)
        steps = max(2, examples // batch_size)
        each = [_one_round(setting, ours, steps, number) for number in range(rounds)]
        found[batch_size] = {part: statistics.median(one.get(part, 0.0) for one in each) for part in (*PARTS, _WHOLE)}
    return found


def _mark(ours: Ours) -> None:
    """Let the profiler see which operations the optimiser, the clipping and the data make."""
    run = ours.run
    run.optimiser.step = _marked("optimiser", run.optimiser.step)
    for name, technique in run.techniques.items():
        part = "clipping" if "clip" in name.lower() else "optimiser"
        technique.before_update = _marked(part, technique.before_update)
    for data in run.tasks.values():
        data.next_batch = _marked("data", data.next_batch)


def _marked(part: str, work: Any) -> Any:
    def marked(*arguments: Any, **options: Any) -> Any:
        with record_function(_SCOPE + part):
            return work(*arguments, **options)

    return marked


def _one_round(setting: Setting, ours: Ours, steps: int, seed: int) -> dict[str, float]:
    """Return the milliseconds of a step by part; the whole is that of steps without a profiler."""
    whole = 1000 * ours.measure(steps, seed).seconds / steps
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if setting.device == "cuda" else [])]
    with profile(activities=activities) as profiler:
        ours.measure(steps, seed)
    attribute = "self_device_time_total" if setting.device == "cuda" else "self_cpu_time_total"
    parts: dict[str, float] = {}
    for event in profiler.events():
        part = part_of(event.name, _callers(event))
        # Microseconds, of the steps that warm up too.
        parts[part] = parts.get(part, 0.0) + getattr(event, attribute) / 1000 / (steps + WARM_UP)
    return {**parts, _PYTHON: max(0.0, whole - sum(parts.values())), _WHOLE: whole}


def _callers(event: Any) -> Iterable[str]:
    while (event := event.cpu_parent) is not None:
        yield event.name


def table(parts: Mapping[int, Mapping[str, float]]) -> tuple[list[str], list[list[str]]]:
    """Return headings and rows: of each part the milliseconds and the share of all parts, by batch size."""
    headings = ["part", *(f"batch size {size}" for size in parts)]
    sums = {size: sum(of[part] for part in PARTS) for size, of in parts.items()}
    rows = [
        [part, *(f"{of[part]:.1f} ms ({100 * of[part] / sums[size]:.0f} %)" for size, of in parts.items())]
        for part in PARTS
    ]
    return headings, [*rows, [_WHOLE, *(f"{of[_WHOLE]:.1f} ms" for of in parts.values())]]
