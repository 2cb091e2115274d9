"""Give all trials of a study one precision where its file leaves the choice to a measurement."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, replace

import optuna

from core.run.precision_choice import PrecisionChoice
from data.errors import UserError
from search.executors.base import Executor
from search.storage.damage import reading_record
from search.study.spec import StudySpec
from search.trials.record import CONFIG, stored_config

__all__ = ["settle_precision", "with_precision"]

PRECISION = "precision"  # the study's attribute


def settle_precision(
    spec: StudySpec,
    opened: Callable[[], AbstractContextManager[optuna.Study]],
    executor: Executor,
) -> PrecisionChoice:
    """Return the precision that was chosen when the study began; choose it now if it has not begun, and record it.

    Args:
        spec: the study, whose ``compute.precision`` is 'auto' and which is not finished.
        opened: opens the study for writing. It is not open during the measurement: its lease needs a heartbeat, and the
            encoder may take minutes to load.
        executor: measures.

    Raises:
        UserError: this machine does not support the recorded precision, or an input is unusable.
        ExecutorError: the precision could not be measured.
    """
    with opened() as study:
        choice = _recorded(study)
    if choice is not None:
        _check_supported(with_precision(spec, choice), choice, executor)
        return choice
    measured = executor.choose_precision(spec.base)
    with opened() as study:
        choice = _recorded(study) or measured  # another driver may have been faster
        study.set_user_attr(PRECISION, asdict(choice))
    return choice


def with_precision(spec: StudySpec, choice: PrecisionChoice) -> StudySpec:
    """Return the study with the precision that its trials have."""
    compute = spec.base.compute.model_copy(update={"precision": choice.precision})
    return replace(spec, base=spec.base.model_copy(update={"compute": compute}))


def _recorded(study: optuna.Study) -> PrecisionChoice | None:
    """Return what the study began with, also if its file named the precision then; None if it has not begun."""
    if PRECISION in study.user_attrs:
        with reading_record(f"the precision of study '{study.study_name}'"):
            return PrecisionChoice(**study.user_attrs[PRECISION])
    for trial in study.get_trials(deepcopy=False):
        if CONFIG in trial.user_attrs:
            precision = stored_config(trial).compute.precision
            assert precision != "auto", "trials have the precision that was chosen"
            return PrecisionChoice(precision, f"as in trial {trial.number}")
    return None


def _check_supported(spec: StudySpec, choice: PrecisionChoice, executor: Executor) -> None:
    """Check that a study that began elsewhere can go on here in the precision of its trials."""
    if choice.precision == "float32":  # every machine has it
        return
    try:
        executor.choose_precision(spec.base)
    except UserError as error:
        raise UserError(
            f"study '{spec.name}' trains in {choice.precision}, which compute.precision = 'auto' chose when it began: "
            f"{error}; continue it on a machine that does, or start a new study with --name NEW"
        ) from error
