"""Generate the corpus of a study that has no data of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from core.config import DataConfig
from data.synthetic.corpus import write_corpus
from search.study.spec import StudySpec

__all__ = ["with_synthetic_data"]


def with_synthetic_data(spec: StudySpec, runs_dir: Path) -> StudySpec:
    """Write the corpus below ``runs_dir`` and return the study that reads it; unchanged if it has its own data."""
    if spec.synthetic is None:
        return spec
    directory = runs_dir / spec.name / "corpus"
    size = spec.synthetic
    write_corpus(directory, train=size.train, dev=size.dev, test=size.test, seed=size.seed)
    return replace(spec, base=spec.base.model_copy(update={"data": DataConfig(directory=str(directory))}))
