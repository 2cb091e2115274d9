"""More trials than a grid has points."""

from pathlib import Path

import pytest

from tests.search.study_texts import message

MISTAKES = [
    (
        'tasks = ["sst"]\ntrials = 9\nsampler = "grid"\n[space]\n"sampler.alpha" = { low = 0, high = 1, step = 0.25 }',
        "study.toml:2: trials: the grid has only 5 points; 9 trials would repeat some",
    ),
]


@pytest.mark.parametrize(("text", "expected"), MISTAKES)
def test_a_grid_has_no_more_trials_than_points(tmp_path: Path, text: str, expected: str) -> None:
    assert message(tmp_path, text) == expected
