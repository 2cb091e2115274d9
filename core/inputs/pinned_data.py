"""Make sure that a run trains on the data that its study began with."""

from __future__ import annotations

from core.config import RunConfig
from core.inputs.data_content import DataContent
from core.inputs.resources import Resources
from core.run.run_folder import RunFolder
from data.errors import UnavailableError
from data.tasks import SplitName

__all__ = ["check_pinned_data"]

_USED: tuple[SplitName, ...] = ("train", "dev")


def check_pinned_data(config: RunConfig, folder: RunFolder, resources: Resources) -> None:
    """Compare what a run reads with what its folder names, if it does.

    Splits are compared as parsed, when they are loaded: a process that has them keeps them, whatever becomes of the
    files. Other line ends, quotes or another compression are no change.

    Raises:
        UnavailableError: if something has changed or cannot be read; the original files may be back in a moment.
        MachineError: if the folder cannot be read.
    """
    if (stored := folder.read_data()) is None:
        return
    pinned = DataContent.from_json(stored)
    changed = pinned.changed_files(config, resources.answers_dir)
    for name, task in config.tasks.items():
        for split in _USED:
            rows = resources.examples(config, task.spec, split).rows
            if pinned.rows.get(name, {}).get(split, rows) != rows:
                resources.forget_examples(config, task.spec, split)
                changed.append(f"{split} of task '{name}'")
    if changed:
        raise UnavailableError(
            f"the data have changed since the study began: {', '.join(changed)}, so trials could not be compared; put "
            "the original files back"
        )
