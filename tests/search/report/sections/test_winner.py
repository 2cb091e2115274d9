"""The section on the winner's settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from search.display.table import Table
from search.report.context import ReportContext
from search.report.parts import Code, Fold, Note, Part
from search.report.sections.winner import winner_section
from search.trials.folders import TrialFolders
from tests.search.reported import a_study


def test_the_winners_settings_are_set_against_the_default(tmp_path: Path) -> None:
    context = ReportContext(a_study(0.5, 0.7, 0.6), TrialFolders(tmp_path))
    section = winner_section(context)
    assert section is not None
    table = next(part for part in section.parts if isinstance(part, Table))
    ours, theirs = (context.records[number].config for number in (1, 0))
    assert ours is not None
    assert theirs is not None
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["optim.learning_rate"] == (f"{theirs.optim.learning_rate:.4g}", f"{ours.optim.learning_rate:.4g}")
    assert not any(path.startswith("compute.") for path in rows)
    frame = section.frames["settings.csv"].set_index("path")
    assert frame.loc["optim.learning_rate", "winner"] == ours.optim.learning_rate
    commands = next(part.text for part in walk(section.parts) if isinstance(part, Code))
    assert f"python -m search.compare {context.study.study_name}:0 {context.study.study_name}:1" in commands


def walk(parts: Iterable[Part]) -> Iterator[Part]:
    for part in parts:
        yield part
        if isinstance(part, Fold):
            yield from walk(part.parts)


@pytest.mark.parametrize(("default", "words"), [(1, "The winner is the default"), (None, "no result for its default")])
def test_a_winner_that_is_the_default_or_has_none_to_be_set_against(
    tmp_path: Path, default: int | None, words: str
) -> None:
    section = winner_section(ReportContext(a_study(0.5, 0.7, default=default), TrialFolders(tmp_path)))
    assert section is not None
    assert isinstance(section.parts[0], Note)
    assert words in section.parts[0].text
    assert not section.frames
