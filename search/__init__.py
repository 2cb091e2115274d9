"""Search hyperparameters with Optuna: studies in; trials, reports and models out.

Programs that predict with an exported model use :func:`load_model`, whose errors are :class:`UserError`; all else is
done by commands.

A command is ``search/NAME.py`` or ``search/NAME/__main__.py`` and runs as ``python -m search.NAME``. Everything
else stands in a package that is named after what it holds. Nothing below ``search`` imports Optuna. Packages import
only those above them in this list::

    display     values, tables, figures and pages as people see them
    parsing     errors with their place in a TOML file
    space       what is searched
    storage     where Optuna keeps studies
    trials      what one trial leaves, in the storage and on disk
    samplers, pruners
    study       study files and the study they describe
    executors   the processes that train
    preflight   checks before the first trial
    recorded    studies read back
    analysis    what recorded trials say
    driver      runs a study
    console     what the commands share: options, progress, summaries

import-linter holds the order (``pyproject.toml``).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from search.console.shadowing import refuse_shadowed

if TYPE_CHECKING:
    from search.predict.members import Precision
    from search.predict.model import Model

__all__ = ["UserError", "load_model"]

refuse_shadowed()

from data.errors import UserError  # noqa: E402  (only now is it certain that this is our package)


def load_model(
    folder: str | os.PathLike[str], device: str = "auto", *, calibrated: bool = True, precision: Precision | None = None
) -> Model:
    """Load a model that ``onebert export`` wrote, to predict for new text.

    ::

        model = search.load_model("runs/mood/export/model")
        model.predict(["a sunny day", "rain again"], "mood").values

    Neither importing ``search`` nor loading a model imports Optuna.

    Args:
        folder: the ``model`` folder of an export: of one model, or of an ensemble, all of whose members are loaded.
        device: 'auto', 'cpu', 'cuda' or 'mps'; 'auto' is a GPU if there is one.
        calibrated: give class probabilities that are calibrated on dev, as the export found; False gives those that the
            model was trained for. The predicted class is the same.
        precision: of matrix products, 'float32', 'bfloat16' or 'int8'; None: that of the run. 'int8' is fast on CPUs,
            and needs an export with ``--format onnx-int8``, which says what it costs on dev.

    Raises:
        UserError: if the folder was not exported or is damaged, or the machine lacks the device, or the device or the
            model the precision.
    """
    from search.predict.model import Model

    return Model(Path(folder), device, calibrated, precision)
