"""Upload a model folder, and print what is uploaded and where it is."""

from __future__ import annotations

import sys
from pathlib import Path

from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]  # as in hub.py

from core.model_files.exported_files import exported_files
from search.display.console import make_console
from search.display.values import file_size
from search.push.hub import upload

__all__ = ["push_and_show"]


def push_and_show(folder: Path, name: str, public: bool, revision: str | None, message: str) -> None:
    """Upload the model in the folder; see :func:`search.push.hub.upload`.

    Raises:
        UserError: if the folder was not exported or is damaged, or the Hub refuses.
    """
    files = {path.relative_to(folder).as_posix(): path for path in exported_files(folder)}
    size = file_size(sum(path.stat().st_size for path in files.values()))
    console = make_console(stderr=True)
    console.print(f"uploading {len(files)} files, {size}, to {name}", soft_wrap=True)
    if not sys.stderr.isatty():
        disable_progress_bars()
    make_console().print(upload(name, files, public, revision, message), soft_wrap=True)
