"""What a task's description is written as: ``tests/data/test_task_files.py`` reads it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from data.task_files import builtin_tasks
from data.tasks import TaskSpec


def test_quoting_is_written_only_where_it_is_not_the_default() -> None:
    """Digests of configurations from before there was a choice stay the same."""
    sst = builtin_tasks()["sst"]
    plain = TaskSpec.model_validate({**sst.model_dump(), "quoting": "none"})
    assert sst.quoting == "minimal"
    assert "quoting" not in sst.model_dump() | sst.model_dump(mode="json")
    assert "quoting" not in sst.model_dump_json()
    assert plain.model_dump() == sst.model_dump() | {"quoting": "none"}
    for spec in (sst, plain):
        assert TaskSpec.model_validate_json(spec.model_dump_json()) == spec


def test_other_ways_to_quote_are_refused() -> None:
    with pytest.raises(ValidationError, match="'minimal' or 'none'"):
        TaskSpec.model_validate({**builtin_tasks()["sst"].model_dump(), "quoting": "all"})
