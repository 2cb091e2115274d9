"""``docs/tools.md`` names the options, costs and disk sizes that the tools have."""

from __future__ import annotations

import re
from collections.abc import Callable

import typer

from core.run_size import RunSize
from search.audit import __main__ as audit
from search.audit.findings import COLUMNS, Reason
from search.clean import __main__ as clean
from search.doctor import __main__ as doctor
from search.doctor.disk import DiskNeed
from search.export import __main__ as export
from search.init import __main__ as init
from search.pareto import __main__ as pareto
from search.pareto.costs import COSTS
from search.predict import __main__ as predict
from search.push import __main__ as push
from tests.docs.pages import text


def options_of(main: Callable[..., None]) -> set[str]:
    command = typer.Typer(add_completion=False)
    command.command()(main)
    return {option for param in typer.main.get_command(command).params for option in param.opts if option[:1] == "-"}


def test_options_of_tools_are_those_there_are() -> None:
    options = set.union(*(options_of(module.main) for module in (audit, clean, doctor, init, pareto, predict, push)))
    of_export = {"--format", "--ensemble"}  # the only ones of its options that the page is about
    assert of_export <= options_of(export.main)
    named = set(re.findall(r"(--[a-z][a-z-]+)", text("tools.md").partition("\n## All commands")[0]))
    assert named == options | of_export


def test_costs_that_are_named_are_those_there_are() -> None:
    section = text("tools.md").partition("| `--cost` |")[2]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == {*COSTS, "all"}


def test_reasons_and_columns_of_an_audit_are_those_there_are() -> None:
    section = text("tools.md").partition("\n## The data: `search.audit`")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert re.findall(r"`([^`]+)`", " ".join(rows)) == list(Reason)
    assert f"`{','.join(COLUMNS)}`" in section


def test_the_disk_that_a_study_takes() -> None:
    """The table of docs/tools.md; what a model and a checkpoint take is tested in tests/core/test_run_size.py."""
    size = RunSize(model=418 * 2**20, checkpoint=1253 * 2**20)
    row = next(line for line in text("tools.md").splitlines() if line.startswith("| shared encoder"))
    told = [float(cell.removesuffix(" GiB")) for cell in row.strip("| ").split(" | ")[1:]]
    needs = [DiskNeed(workers, models, size).bytes for workers, models in ((1, 3), (2, 3), (4, 10))]
    assert told[:2] == [round(number / 2**30, 2) for number in (size.model, size.checkpoint)]
    assert told[2:] == [round(number / 2**30, 1) for number in needs]
