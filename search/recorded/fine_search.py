"""Search finely around the best trial of a study, in a new study with a narrow space."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from optuna.storages import BaseStorage

from core.config import RunConfig
from data.errors import UserError
from search.preflight.study_inputs import StudyInputs
from search.recorded.data_files import check_same_training_data
from search.recorded.disagreements import check_agreement
from search.recorded.encoders import check_same_encoders
from search.recorded.ranking import load_recorded, pick_trial
from search.recorded.space import stored_space
from search.recorded.study import IDENTITY, recorded_attrs
from search.space.parsing import read_space
from search.space.space import Space
from search.space.variants import VARIANT
from search.study.encoder_names import absolute_encoder
from search.study.first_trials import default_trial
from search.study.spec import StudySpec
from search.trials.folders import RUNS, TrialFolders
from search.trials.record import stored_config
from search.trials.remote_study import study_folder

__all__ = ["fine_search", "source_check"]

_ORIGIN = "fine"
_SEED = "seed"


def fine_search(
    spec: StudySpec,
    storage: BaseStorage,
    name: str | None = None,
    model: str | None = None,
    *,
    runs_dir: Path = RUNS,
    restart: bool = False,
) -> StudySpec:
    """Return the study that searches finely around the best trial of a recorded one.

    The centre is recorded in the new study. From then on only this record counts, even if the other study changes: the
    same command resumes the same search.

    Args:
        spec: from the file of the recorded study; provides sampler, pruner, limits, data and compute settings.
        storage: of both studies.
        name: of the fine search; None: that of the study with ``-fine``.
        model: the encoder that the user asks for, if any.
        runs_dir: the folder of the recorded study's folder; its trials are compared with the storage.
        restart: whether to choose the centre again although it is recorded, because that study is moved aside.

    Raises:
        UserError: the study does not exist, has no finished trial, or searches nothing that can be narrowed; the name
            belongs to another study; or the best trial has another encoder.
    """
    coarse = spec.source.stem
    name = name or f"{coarse}-fine"
    if name == coarse:
        raise UserError(f"--name {name}: a fine search of '{coarse}' needs a different name")
    centre = (None if restart else _recorded_centre(name, coarse, storage)) or _new_centre(coarse, storage, runs_dir)
    config = RunConfig.model_validate_json(centre["config"])
    if model is not None and absolute_encoder(model) != absolute_encoder(config.model.encoder):
        raise UserError(
            f"--model {model}: trial {centre['trial']} of '{coarse}', the centre of the search, has the encoder "
            f"{config.model.encoder}"
        )
    base = config.model_copy(update={"data": spec.base.data, "compute": spec.base.compute})
    space = read_space(centre["space"], base)
    return replace(
        spec,
        name=name,
        description=f"a fine search around trial {centre['trial']} of {coarse}",
        base=base,
        space=space,
        first_trials=default_trial(space, base),
        notes=(),
        origin={_ORIGIN: centre},
        lengths={},
    )


def source_check(coarse: str, storage: BaseStorage) -> Callable[[StudyInputs], None]:
    """Return a function that refuses other data and encoders than those of the study that is searched around.

    Args:
        coarse: name of that study.
        storage: where it is recorded.
    """
    study = load_recorded(coarse, storage, "--study")

    def check(inputs: StudyInputs) -> None:
        check_same_encoders(coarse, study.user_attrs, inputs.encoders)
        check_same_training_data(study, inputs)

    return check


def _new_centre(coarse: str, storage: BaseStorage, runs_dir: Path) -> dict[str, Any]:
    """Choose the run to search around and the space, as JSON data."""
    study = load_recorded(coarse, storage, "--study")
    check_agreement(study, TrialFolders(study_folder(runs_dir, coarse)))
    trial = pick_trial(study, None)
    config = stored_config(trial)
    space = _narrowed(stored_space(study, config), config, coarse)
    return {"study": coarse, "trial": trial.number, "config": config.model_dump_json(), "space": space.to_json()}


def _narrowed(space: Space, config: RunConfig, coarse: str) -> Space:
    if VARIANT in space.paths:
        raise UserError(f"--fine: study '{coarse}' compares variants; there is no range to narrow")
    narrow = space.narrowed(config)
    if not set(narrow.paths) - {_SEED}:
        raise UserError(f"--fine: study '{coarse}' searches choices only; there is no range to narrow")
    return narrow


def _recorded_centre(name: str, coarse: str, storage: BaseStorage) -> dict[str, Any] | None:
    """Return what :func:`_new_centre` returned when the fine search began; None if it has not begun."""
    attrs = recorded_attrs(name, storage)
    centre: dict[str, Any] | None = attrs.get(_ORIGIN)
    of = coarse if centre is None else centre["study"]
    if of != coarse or (centre is None and IDENTITY in attrs):
        what = f"a fine search of '{of}'" if of != coarse else "not a fine search"
        raise UserError(f"--fine: study '{name}' already exists and is {what}; choose another --name")
    return centre
