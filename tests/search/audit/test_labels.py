"""What an audit says of labels."""

from __future__ import annotations

from pathlib import Path

from search.audit.examples import read_tasks
from search.audit.labels import labels_topic
from search.display.table import Table
from tests.search.audit.audited import MOOD, NEAR, base_of, write_task


def rows(*labels: str) -> list[tuple[str, ...]]:
    return [(f"{number}", f"text {number}", label) for number, label in enumerate(labels)]


def test_classes_by_split(tmp_path: Path) -> None:
    three = {**MOOD, "classes": ["neg", "pos", "mixed", "none"]}
    train, dev = rows("neg", "pos", "mixed", "mixed"), rows("neg", "pos")
    table = write_task(tmp_path, "mine", three, train=train, dev=dev)
    base = base_of(tmp_path, mine=table)
    topic = labels_topic(read_tasks(base, (), tmp_path / "faults"), base)
    assert topic.warnings == (
        "mine: dev has no example of 'mixed', and train has 2",
        "mine: neither train nor dev has an example of 'none'",
    )
    (shown,) = [part for part in topic.section.parts if isinstance(part, Table)]
    assert shown.headings == ("class", "train", "dev")
    assert shown.rows[2] == ("mixed", "2 (50.0 %)", "0 (0.0 %)")


def test_a_dev_file_of_one_class_is_described_not_refused(tmp_path: Path) -> None:
    base = base_of(tmp_path, mine=write_task(tmp_path, "mine", MOOD, train=rows("neg", "pos"), dev=rows("pos", "pos")))
    topic = labels_topic(read_tasks(base, (), tmp_path / "faults"), base)
    assert any("cannot rank trials" in line for line in topic.warnings)


def test_scores_by_split(tmp_path: Path) -> None:
    pairs = [(one, "a", *rest) for one, *rest in rows("0", "1", "2", "5")]
    base = base_of(tmp_path, mine=write_task(tmp_path, "mine", NEAR, train=pairs, dev=pairs[:2]))
    topic = labels_topic(read_tasks(base, (), tmp_path / "faults"), base)
    (shown,) = [part for part in topic.section.parts if isinstance(part, Table)]
    assert shown.rows[0] == ("train", "4", "2", "1.87", "0", "0.75", "1.5", "2.75", "5")
    assert topic.warnings == ()
