"""What can be freed, as a table."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from search.clean.finding import Finding

__all__ = ["findings_table", "mib"]


def findings_table(findings: Sequence[Finding], runs_dir: Path) -> Table:
    """A row for each, and their sum; places are below ``runs_dir``."""
    table = Table(title=f"can be freed in {runs_dir}", title_justify="left", show_footer=True)
    table.add_column("what", "together", overflow="fold")
    table.add_column("where", overflow="fold")
    table.add_column("of", f"{sum(finding.count for finding in findings):,}", justify="right")
    table.add_column("MiB", f"{sum(finding.size for finding in findings) / 2**20:,.1f}", justify="right")
    table.add_column("last used", justify="right")
    for finding in findings:
        what = finding.what + (" *" if finding.is_cache else "")
        where = finding.where.relative_to(runs_dir)
        table.add_row(what, str(where), f"{finding.count:,}", f"{finding.size / 2**20:,.1f}", _age(finding.used))
    return table


def mib(size: int) -> str:
    """``1,234.5 MiB``."""
    return f"{size / 2**20:,.1f} MiB"


def _age(used: float) -> str:
    hours = max(time.time() - used, 0.0) / 3600
    if hours < 1:
        return "within the hour"
    return f"{hours:.0f} h ago" if hours < 48 else f"{hours / 24:.0f} days ago"
