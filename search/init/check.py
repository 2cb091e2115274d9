"""Check a proposal as ``search.run`` would check it: the data first, then the text of the study file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from core.config import RunConfig
from data.errors import UserError
from data.tasks import TaskSpec
from search.init.task_proposal import TaskProposal
from search.parsing.mistakes import Mistakes
from search.preflight.data import DataReport, check_data
from search.study.file import load_study
from search.study.task_tables import NO_ID, parse_tasks

__all__ = ["check_proposals", "check_text"]


def check_proposals(tasks: Sequence[TaskProposal], folder: Path) -> DataReport:
    """Read all splits of the proposed tasks.

    Raises:
        UserError: a study of them would be refused; the message says what is wrong in which file.
    """
    config = RunConfig.model_validate(
        {"tasks": {name: {"spec": spec} for name, spec in _specs(tasks).items()}, "data": {"directory": str(folder)}}
    )
    named = [task.name for task in tasks if task.fields["columns"]["id"] != NO_ID]
    return check_data(config, named_ids=named)


def check_text(text: str, name: str, folder: Path) -> None:
    """Load a study file as ``search.run`` does, from a temporary folder.

    Args:
        text: the content of the file.
        name: of the study.
        folder: the data folder.

    Raises:
        UserError: it would be refused.
    """
    with TemporaryDirectory(prefix="onebert-init-") as place:
        path = Path(place) / f"{name}.toml"
        path.write_text(text, encoding="utf-8")
        try:
            load_study(path, data=folder)
        except UserError as error:
            raise UserError(str(error).replace(f"{path}:", "the proposed file, line ")) from error


def _specs(tasks: Sequence[TaskProposal]) -> dict[str, TaskSpec]:
    mistakes = Mistakes()
    specs = parse_tasks({task.name: task.fields for task in tasks}, mistakes)
    mistakes.raise_any()
    return specs
