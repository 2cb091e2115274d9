"""What docs/ says about settings and code is true."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from core.config import RunConfig
from core.run.cost import Cost
from core.run.evaluation import Evaluation
from core.run_size import RunSize
from core.statistics import task_metrics
from data.task_files import builtin_tasks
from search import export, predict, score
from search.clean import __main__ as clean
from search.doctor import __main__ as doctor
from search.doctor.disk import DiskNeed
from search.ensemble import __main__ as ensemble
from search.finalists import __main__ as finalists
from search.pareto import __main__ as pareto
from search.pareto.tradeoff import COSTS
from search.space.paths import config_fields
from tests.benchmarks.technique_cost import TECHNIQUES

ROOT = Path(__file__).parents[1]
FIELDS = config_fields(["sst", "para", "sts"])
SECTIONS = set(RunConfig.model_fields)


def text(page: str) -> str:
    return (ROOT / "docs" / page).read_text(encoding="utf-8")


def settings_named_in(page: str) -> set[str]:
    """`optim.ema` and the like, without the values that some are written with."""
    named = re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)(?: [^`]*)?`", text(page))
    return {path for path in named if path.split(".")[0] in SECTIONS}


def test_every_setting_that_is_named_exists() -> None:
    named = settings_named_in("techniques.md")
    assert len(named) > 40
    missing = {path for path in named if not any(f"{known}.".startswith(f"{path}.") for known in FIELDS)}
    assert not missing


def test_every_technique_is_documented() -> None:
    """A section that the page does not name would be found by nobody."""
    page = text("techniques.md")
    plain = {"data", "tasks", "budget", "eval", "compute"}
    for path in set(FIELDS) - {"seed"}:
        section, *_, last = path.split(".")
        if section in plain or f"{path}.".startswith(("model.encoder.", "model.scratch.", "model.max_length.")):
            continue
        by_task = last in ("sst", "para", "sts")  # smart.weight.sst: the page has the setting for one task or none
        names = (
            [path.rpartition(".")[0] + r"(?:\.sst)?"] if by_task else [path.replace(".para.", ".sts."), rf"\.{last}"]
        )
        if section == "pretraining":
            names.append(last)
        if section == "augmentation":
            names.append(r"augmentation\.(?:sst|para|sts)\." + path.split(".", 2)[2])
        if section == "heads":
            names += [f"heads.sts.{last}", f"heads.sst.{last}", last]
        assert re.search(rf"`(?:{'|'.join(names)})(?: [^`]*)?`", page), path


def test_values_that_are_listed_are_the_values_there_are() -> None:
    """Every literal of a setting stands on the page."""
    page = text("techniques.md")
    skipped = ("model.encoder.", "compute.device.")
    for path, field in FIELDS.items():
        if not f"{path}.".startswith(skipped):
            for value in field.literals:
                assert f"`{value}`" in page or f'"{value}"' in page, (path, value)


def test_every_study_that_comes_along_has_its_results() -> None:
    page = text("results.md")
    for study in (ROOT / "studies").glob("*.toml"):
        assert re.search(rf"^##+ {study.stem}\b", page, re.MULTILINE), study.stem


def test_every_technique_that_is_measured_has_its_cost() -> None:
    page = text("techniques.md")
    for name in TECHNIQUES:
        assert f"| {name} |" in page, name


def test_nothing_is_left_to_be_filled_in() -> None:
    for page in [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]:
        assert not re.search(r"^\s*[A-Z_]{5,}\s*$|TODO|FIXME|XXX", page.read_text("utf-8"), re.MULTILINE), page.name


def python_lines(page: str) -> list[str]:
    blocks = re.findall(r"```python\n(.*?)```", text(page), re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize("page", ["new-technique.md"])
def test_code_on_the_page_stands_in_the_source(page: str) -> None:
    source = {
        line.strip() for path in (ROOT / "core").rglob("*.py") for line in path.read_text(encoding="utf-8").splitlines()
    }
    lines = python_lines(page)
    assert len(lines) > 30
    assert not [line for line in lines if line not in source]


def test_files_that_are_named_exist() -> None:
    for page in sorted((ROOT / "docs").glob("*.md")):
        for path in re.findall(
            r"`((?:core|search|data|tests|studies)/[\w/.-]+\.(?:py|toml))`", page.read_text("utf-8")
        ):
            assert "NAME" in path or (ROOT / path).is_file(), f"{page.name}: {path}"


def test_options_of_ensembles_are_those_there_are() -> None:
    def options_of(main: Any) -> set[str]:
        command = typer.Typer(add_completion=False)
        command.command()(main)
        return {option for param in typer.main.get_command(command).params for option in param.opts}

    options = options_of(ensemble.main)
    named = set(re.findall(r"--[a-z][a-z-]+", text("ensembles.md")))
    assert named <= options | options_of(export.main) | options_of(predict.main) | options_of(score.main)
    everywhere = {"--data", "--device", "--storage", "--runs-dir"}
    assert options - named == everywhere


def test_options_of_finalists_are_those_there_are() -> None:
    command = typer.Typer(add_completion=False)
    command.command()(finalists.main)
    options = {option for param in typer.main.get_command(command).params for option in param.opts}
    assert set(re.findall(r"--[a-z][a-z-]+", text("finalists.md"))) == options


def test_options_of_tools_are_those_there_are() -> None:
    options: set[str] = set()
    for module in (clean, doctor, pareto):
        command = typer.Typer(add_completion=False)
        command.command()(module.main)
        options |= {option for param in typer.main.get_command(command).params for option in param.opts}
    assert set(re.findall(r"(--[a-z][a-z-]+)", text("tools.md"))) == options


def test_costs_that_are_named_are_those_there_are() -> None:
    section = text("tools.md").partition("| `--cost` |")[2]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == {*COSTS, "all"}


def test_the_disk_that_a_study_takes() -> None:
    """The table of docs/tools.md; what a model and a checkpoint take is tested in tests/core/test_run_size.py."""
    size = RunSize(model=418 * 2**20, checkpoint=1253 * 2**20)
    row = next(line for line in text("tools.md").splitlines() if line.startswith("| shared encoder"))
    told = [float(cell.removesuffix(" GiB")) for cell in row.strip("| ").split(" | ")[1:]]
    needs = [DiskNeed(workers, models, size).bytes for workers, models in ((1, 3), (2, 3), (4, 10))]
    assert told[:2] == [round(number / 2**30, 2) for number in (size.model, size.checkpoint)]
    assert told[2:] == [round(number / 2**30, 1) for number in needs]


def test_metrics_that_are_named_are_those_there_are() -> None:
    specs = builtin_tasks()
    rng = np.random.default_rng(0)
    found: set[str] = {"train_dev_gap"}
    for task, classes in (("sst", 5), ("para", 2)):
        probabilities = rng.dirichlet(np.ones(classes), size=30)
        found |= {key.split("/")[0] for key in task_metrics(specs[task], probabilities, np.arange(30) % classes)}
    found |= set(task_metrics(specs["sts"], rng.uniform(0, 5, 30), rng.uniform(0, 5, 30)))
    page = re.findall(r"`([a-z_0-9]+)(?:/CLASS)?`", text("metrics.md"))
    costs = {field.name for field in fields(Cost)} | {field.name for field in fields(Evaluation)}
    assert found - set(page) == set()
    assert set(page) - found - costs == set()
