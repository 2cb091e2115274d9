"""Names of trials on the command line."""

from __future__ import annotations

import pytest

from search.compare.trial_name import TrialName


@pytest.mark.parametrize(
    ("text", "study", "number"),
    [("tiny", "tiny", None), ("tiny:7", "tiny", 7), ("a:b", "a:b", None), ("a:b:3", "a:b", 3), (":3", ":3", None)],
)
def test_names_are_read(text: str, study: str, number: int | None) -> None:
    assert TrialName.parse(text) == TrialName(text, study, number)
