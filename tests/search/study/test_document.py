"""Mistakes in the keys at the top of a study file."""

from pathlib import Path

import pytest

from tests.search.study_texts import MINIMAL, message

MISTAKES = [
    (MINIMAL.replace("trials", "trails"), "study.toml:2: trails: unknown key; did you mean 'trials'?"),
    (MINIMAL.replace("12", "0"), "study.toml:2: trials: must be at least 1, got 0"),
    (MINIMAL.replace("12", '"12"'), "study.toml:2: trials: must be a whole number, got '12'"),
    (MINIMAL.replace("12", "12.5"), "study.toml:2: trials: must be a whole number, got 12.5"),
    (MINIMAL.replace("trials = 12", "seed = -1"), "study.toml:2: seed: must be at least 0, got -1"),
    (MINIMAL.replace("trials = 12", "keep_models = 0"), "study.toml:2: keep_models: must be at least 1, got 0"),
    (
        MINIMAL.replace("trials = 12", "base = 3").replace('[base.model]\nencoder = "minilm"', ""),
        "study.toml:2: base: must be a table, got 3",
    ),
]


@pytest.mark.parametrize(("text", "expected"), MISTAKES)
def test_mistakes_in_the_keys_at_the_top(tmp_path: Path, text: str, expected: str) -> None:
    assert message(tmp_path, text) == expected
