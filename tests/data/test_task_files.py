from __future__ import annotations

from data.task_files import builtin_tasks
from data.tasks import Kind


def test_builtin_tasks_are_those_of_the_course() -> None:
    tasks = builtin_tasks()
    assert list(tasks) == ["sst", "para", "sts", "cfimdb"]
    assert [task.kind for task in tasks.values()] == [
        Kind.CLASSIFY,
        Kind.CLASSIFY_PAIR,
        Kind.SCORE_PAIR,
        Kind.CLASSIFY,
    ]
    assert tasks["sst"].classes[0] == "very negative"
    assert tasks["sst"].classes[4] == "very positive"
    assert tasks["para"].written_as == "float"
    assert tasks["sts"].score_range == (0.0, 5.0)
    assert tasks["sts"].prediction_column == "Predicted_Similiary"  # the course's spelling


def test_callers_cannot_change_the_builtin_tasks() -> None:
    builtin_tasks().clear()
    assert len(builtin_tasks()) == 4
