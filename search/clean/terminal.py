"""Print what can be freed, and ask whether to free it."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from search.clean.found_files import Finding, mib
from search.clean.survey import Survey
from search.console import cli
from search.display.table import Table
from search.display.terminal_table import print_table

__all__ = ["confirm", "show_survey"]


def show_survey(console: Console, survey: Survey, runs_dir: Path) -> None:
    """Print the files that can be freed, and what is left alone and why."""
    for note in survey.notes:
        console.print(f"left alone: {note}", soft_wrap=True)
    if not survey.findings:
        console.print(f"nothing to free in {runs_dir}", soft_wrap=True)
        return
    print_table(console, _findings_table(survey.findings, runs_dir))
    if any(finding.is_cache for finding in survey.findings):
        console.print(
            "* is recomputed when a trial needs it; stages of further pretraining may take long", soft_wrap=True
        )


def confirm(console: Console) -> bool:
    """Ask whether to free the files; without a terminal, print how to free them and return False."""
    if not sys.stdin.isatty():
        console.print("nothing was deleted; pass --yes to delete these files", soft_wrap=True)
        return False
    if cli.confirm("delete these files?"):
        return True
    console.print("nothing was deleted")
    return False


def _findings_table(findings: Sequence[Finding], runs_dir: Path) -> Table:
    """Return a table with a row per finding and their sum; places are relative to ``runs_dir``."""
    rows = (
        (
            finding.what + (" *" if finding.is_cache else ""),
            str(finding.where.relative_to(runs_dir)),
            f"{finding.count:,}",
            mib(finding.size),
            _age(finding.used),
        )
        for finding in findings
    )
    count, size = sum(finding.count for finding in findings), sum(finding.size for finding in findings)
    together = ("total", "", f"{count:,}", mib(size), "")
    headings = ("files", "folder", "count", "MiB", "last used")
    return Table(f"can be freed in {runs_dir}", headings, tuple(rows), footer=(together,))


def _age(used: float) -> str:
    hours = max(time.time() - used, 0.0) / 3600
    if hours < 1:
        return "within the hour"
    return f"{hours:.0f} h ago" if hours < 48 else f"{hours / 24:.0f} days ago"
