"""Run all checks that need the packages, in order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from core.config import ComputeConfig
from core.inputs.augmentation import answers_dir
from search.doctor.check import Check, safely
from search.doctor.disk import check_folder, check_room
from search.doctor.encoder import check_encoder, check_named_encoder, largest_run
from search.doctor.machine import check_device, check_gpus, check_threads
from search.doctor.storage import check_storage
from search.doctor.study import check_folder_of_data, check_study, check_study_data
from search.preflight.encoder import encoder_runs
from search.study.file import check_own_classes, load_study
from search.study.spec import StudySpec

__all__ = ["examine"]


def examine(
    study: str | None, data: Path | None, model: str | None, storage: str | None, runs_dir: Path
) -> Iterator[Check]:
    """Yield every check as soon as it is done; the arguments are the options of the command."""
    loaded: list[StudySpec] = []

    def load() -> Iterator[Check]:
        if study is not None:
            answers = answers_dir(runs_dir / "cache")
            loaded.append(load_study(study, data=data, model=model, answers_dir=answers))
            check_own_classes(loaded[0])
        yield from ()

    unreadable = safely("study", load)
    spec = loaded[0] if loaded else None
    compute = ComputeConfig() if spec is None else spec.base.compute
    workers, threads = (1, None) if spec is None else (spec.workers, compute.threads)
    yield from safely("device", lambda: check_device(compute))
    gpus = None if spec is None else spec.gpus
    if gpus is not None:
        yield from safely("gpus", lambda: check_gpus(gpus, workers))
    yield from safely("threads", lambda: check_threads(workers, threads))
    yield from safely("storage", lambda: check_storage(storage, runs_dir))
    yield from safely("folder", lambda: check_folder(runs_dir, None if spec is None else spec.name))
    yield from unreadable
    if spec is not None:
        yield from _about(spec, storage, runs_dir)
        return
    if data is not None:
        yield from safely("data", lambda: check_folder_of_data(data))
    if model is not None:
        yield from safely("model", lambda: check_named_encoder(model))
    yield from safely("disk", lambda: check_room(runs_dir, None, None))


def _about(spec: StudySpec, storage: str | None, runs_dir: Path) -> Iterator[Check]:
    yield from safely("study", lambda: check_study(spec, storage, runs_dir))
    yield from safely("data", lambda: check_study_data(spec, runs_dir))
    runs = encoder_runs(spec)
    models = safely("model", lambda: check_encoder(spec, runs, runs_dir / "cache"))
    yield from models
    is_usable = all(check.state != "wrong" for check in models)
    keeps_features = any(run.config.model.keeps_features for run in runs)
    yield from safely(
        "disk", lambda: check_room(runs_dir, spec, largest_run(runs) if is_usable else None, keeps_features)
    )
