"""Write values in messages and tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from core.run.cost import Cost

__all__ = ["cost_text", "duration", "file_size", "first_few", "plus_minus", "rounded", "shown", "shown_list", "spelled"]


def shown(value: object) -> str:
    """Write a setting's value as in a study file, without quotes: ``none``, ``true``, ``1e-05``."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.12g}"
    return str(value)


def rounded(value: object) -> str:
    """Write a value like :func:`shown`, but floats with four digits: results are read, not copied."""
    return f"{value:.4g}" if isinstance(value, float) else shown(value)


def plus_minus(value: float, half_width: float | None, digits: int = 4, *, sign: bool = False) -> str:
    """Write a number with its interval or spread: ``0.6970 ± 0.0132``; the number alone if that is not known.

    Both have as many decimal places as ``digits`` says. With ``sign``, a positive number has a plus sign, as in
    differences.
    """
    number = f"{value:{'+' if sign else ''}.{digits}f}"
    return number if half_width is None else f"{number} ± {half_width:.{digits}f}"


def shown_list(values: Iterable[object]) -> str:
    """Join values with commas."""
    return ", ".join(map(shown, values))


def first_few(values: Sequence[object], most: int) -> str:
    """Join the first ``most`` values and count the others: ``2, 3, 5 and 4 more``."""
    more = f" and {len(values) - most} more" if len(values) > most else ""
    return ", ".join(map(str, values[:most])) + more


def spelled(value: object) -> str:
    """Write a setting's value exactly as in a study file: ``"none"``, ``"mean"``, ``true``, ``1e-05``."""
    return json.dumps(shown(value), ensure_ascii=False) if value is None or isinstance(value, str) else shown(value)


def duration(seconds: float) -> str:
    """Format seconds: ``48 s``, ``12 min``, ``3.4 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def file_size(size: int) -> str:
    """Format bytes: ``0.42 MiB``, ``418 MiB``, ``1.2 GiB``."""
    if size >= 2**30:
        return f"{size / 2**30:,.1f} GiB"
    return f"{size / 2**20:,.{0 if size >= 10 * 2**20 else 2}f} MiB"


def cost_text(cost: Cost) -> str:
    """Write a run's cost.

    ``109,482,240 parameters, 0.54 % of them trained; 20,000 forward examples; peak memory 2,345 MiB``.

    With stages: ``20,000 forward examples after 5,000 examples of further pretraining``.
    """
    stages = cost.pretraining_examples
    before = f" after {stages:,} examples of further pretraining" if stages else ""
    return (
        f"{cost.parameters:,} parameters, {100 * cost.trainable_share:.3g} % of them trained; "
        f"{cost.forward_examples:,} forward examples{before}; peak memory {cost.peak_memory_mib:,.0f} MiB"
    )
