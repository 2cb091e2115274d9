"""Programs run one after the other in one fresh interpreter: what they print, and what they import."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Ended", "run_modules"]

_CODE = """
import contextlib, io, json, runpy, sys

ended = []
for module, *arguments in json.loads(sys.argv[1]):
    sys.argv = [module, *arguments]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            runpy.run_module(module, run_name="__main__")
            code = 0
        except SystemExit as end:
            code = end.code or 0
    ended.append((code, out.getvalue(), err.getvalue()))
print(json.dumps((ended, sorted({name.partition(".")[0] for name in sys.modules}))))
"""


@dataclass(frozen=True)
class Ended:
    """How a program ended."""

    code: int
    out: str
    err: str


def run_modules(*commands: Sequence[str], folder: Path) -> tuple[list[Ended], set[str]]:
    """Run commands such as ``("search.run", "--help")`` in a folder.

    Returns:
        How each of them ended, and the top-level names of all modules that were imported.
    """
    done = subprocess.run(
        [sys.executable, "-P", "-c", _CODE, json.dumps(commands)],
        cwd=folder,
        env={"COLUMNS": "120", "TERM": "dumb", "PATH": "", "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ended, modules = json.loads(done.stdout)
    return [Ended(*one) for one in ended], set(modules)
