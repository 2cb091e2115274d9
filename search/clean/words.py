"""What can be freed, as a table."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from search.clean.finding import Finding
from search.display.table import Table

__all__ = ["findings_table", "mib"]


def findings_table(findings: Sequence[Finding], runs_dir: Path) -> Table:
    """A row for each, and their sum; places are below ``runs_dir``."""
    rows = (
        (
            finding.what + (" *" if finding.is_cache else ""),
            str(finding.where.relative_to(runs_dir)),
            f"{finding.count:,}",
            f"{finding.size / 2**20:,.1f}",
            _age(finding.used),
        )
        for finding in findings
    )
    count, size = sum(finding.count for finding in findings), sum(finding.size for finding in findings)
    together = ("together", "", f"{count:,}", f"{size / 2**20:,.1f}", "")
    headings = ("what", "where", "of", "MiB", "last used")
    return Table(f"can be freed in {runs_dir}", headings, tuple(rows), footer=(together,))


def mib(size: int) -> str:
    """``1,234.5 MiB``."""
    return f"{size / 2**20:,.1f} MiB"


def _age(used: float) -> str:
    hours = max(time.time() - used, 0.0) / 3600
    if hours < 1:
        return "within the hour"
    return f"{hours:.0f} h ago" if hours < 48 else f"{hours / 24:.0f} days ago"
