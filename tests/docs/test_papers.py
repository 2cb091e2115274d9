"""docs/papers.md gives the value of every setting of every preset, and the study of every table of the reports."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from search.study.lookup import list_studies
from search.study.presets import list_presets
from tests.docs.pages import text
from tests.search.study.test_table_studies import rows as configurations

PAGE = text("papers.md")
PRESETS, _, REST = PAGE.partition("\n## Tables and figures\n")
TABLES, _, PLAN = REST.partition("\n## At full length\n")
BASES = {"said", "read between the lines", "guessed", "substituted"}
ABOUT_THE_FILE = {"description", "meant_for"}
SETTING = re.compile(r"(?P<key>[\w-]+) = (?P<value>.+?)(?:\s+#.*)?")


def settings(path: Path) -> list[tuple[str, str]]:
    """Return the settings of a preset in the order of its lines, with their values as they are written."""
    section, found = "", []
    for line in path.read_text().splitlines():
        if table := re.fullmatch(r"\[(.+)\]", line):
            section = f"{table[1]}."
        elif (setting := SETTING.fullmatch(line)) and section + setting["key"] not in ABOUT_THE_FILE:
            found.append((section + setting["key"], setting["value"]))
    return found


def rows(page: str) -> list[list[str]]:
    """Return the cells of a page's table, without its head."""
    lines = [line for line in page.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def section(preset: str) -> str:
    return PRESETS.partition(f"\n### {preset}\n")[2].partition("\n### ")[0]


def test_every_preset_has_a_table() -> None:
    assert sorted(re.findall(r"^### (.+)$", PRESETS, re.MULTILINE)) == sorted(list_presets())


@pytest.mark.parametrize("preset", list_presets())
def test_a_table_has_the_settings_and_values_of_its_preset(preset: str) -> None:
    table = rows(section(preset))
    assert [(setting.strip("`"), value.strip("`")) for setting, value, _, _ in table] == settings(
        list_presets()[preset]
    )


@pytest.mark.parametrize("preset", list_presets())
def test_every_value_says_where_it_comes_from(preset: str) -> None:
    for setting, _, words, basis in rows(section(preset)):
        assert basis in BASES, setting
        assert words, setting


def test_tables_name_studies_that_exist_and_all_comparisons_of_the_reports() -> None:
    table = rows(TABLES)
    named = {study for *_, cell in table for study in re.findall(r"`([\w-]+)`", cell)}
    assert named <= set(list_studies(Path("none")))
    of_reports = {name for name in list_studies(Path("none")) if name.rpartition("-")[0] in {row[0] for row in table}}
    assert len(of_reports) > 10
    assert of_reports <= named
    assert {report for report, *_ in table} == {"cooking", "build-extend", "siamese", "contrastive", "multi-extended"}


def test_a_table_without_a_study_says_why() -> None:
    for report, what, study in rows(TABLES):
        assert study.startswith(("`", "none: ")), (report, what)


def test_the_plan_has_the_lengths_of_the_systems() -> None:
    """Updates follow from the examples and the batches of an update."""
    systems = configurations("papers-full")
    table = {cells[0].strip("`"): [float(cell.replace(",", "")) for cell in cells[1:]] for cells in rows(PLAN)}
    assert list(table) == list(systems)
    for name, config in systems.items():
        sizes = [task.batch_size or config.budget.batch_size for task in config.tasks.values()]
        per_update = sum(sizes) if config.sampler.order == "together" else config.budget.batch_size
        stages = config.pretraining.stages.values()
        examples, updates, of_stages, stage_updates, _, hours = table[name]
        assert examples == config.budget.examples
        assert updates == pytest.approx(examples / per_update, abs=1)
        assert of_stages == sum(stage.examples for stage in stages)
        assert stage_updates == pytest.approx(sum(stage.examples / stage.batch_size for stage in stages), abs=1)
        assert hours == pytest.approx((updates + stage_updates) / 36_000, abs=0.06)
