"""Small rephrasing jobs, and their runs on the stub endpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from data.augmentation.rephrasing.job import RephrasingJob
from data.augmentation.rephrasing.plan import plan_rephrasing
from data.augmentation.rephrasing.rephrase import rephrase
from data.augmentation.rephrasing.settings import RephrasingSettings
from data.reading import RawSplit


def split(*sentences: str | tuple[str, str]) -> RawSplit:
    """Return a split whose example k has the label k mod 5."""
    rows = [(sentence,) if isinstance(sentence, str) else sentence for sentence in sentences]
    labels = np.arange(len(rows), dtype=np.int64) % 5
    return RawSplit([str(number) for number in range(len(rows))], list(rows), labels, [], Path("train.csv"))


FILMS = split(*(f"a film with plot {number} ." for number in range(8)))


def job(folder: Path, train: RawSplit = FILMS, positions: list[int] | None = None, **settings: Any) -> RephrasingJob:
    chosen = None if positions is None else np.array(positions, dtype=np.int64)
    return RephrasingJob(train, RephrasingSettings.model_validate({"model": "llama", **settings}), folder, chosen)


def run(stub: Any, job: RephrasingJob, **endpoint: Any) -> Any:
    return rephrase(plan_rephrasing(job, stub.settings(**endpoint)))
