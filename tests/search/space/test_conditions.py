"""Mistakes in the conditions of a searched setting."""

from pathlib import Path

import pytest

from tests.search.study_texts import KEY, RATE, message, with_space

CONDITIONS = [
    ("{ alpha = 1 }", ".alpha: no such setting of a run; did you mean 'lora.alpha'?"),
    ("{ 'heads.sst.lyers' = 1 }", ".\"heads.sst.lyers\": no such setting of a run; did you mean 'heads.sst.layers'?"),
    (
        "{ 'heads.sst.layers' = { abov = 1 } }",
        ".\"heads.sst.layers\".abov: unknown key; did you mean 'above'?",
    ),
    ("{ 'heads.sst.layers' = { above = 3, below = 1 } }", '."heads.sst.layers": above = 3 must be less than below = 1'),
    ("{ 'heads.sst.layers' = {} }", '."heads.sst.layers": is empty'),
    ("{ 'heads.sst.layers' = [] }", '."heads.sst.layers": must contain at least one value, got an empty list'),
    ("{ 'heads.sst.layers' = 'two' }", ".\"heads.sst.layers\": must be a whole number, got 'two'"),
    (
        "{ 'heads.sst.pooling' = { above = 1 } }",
        '."heads.sst.pooling": above and below need a numeric setting, but this one is one of cls, pooler, mean, max',
    ),
    (
        "{ 'heads.sst.layers' = { above = 3 } }",
        '."heads.sst.layers": can never hold: heads.sst.layers is searched over 1 .. 3',
    ),
    ("{ 'heads.para.layers' = 2 }", '."heads.para.layers": can never hold: heads.para.layers is 1 in every trial'),
    ("{ 'optim.learning_rate' = 0.1 }", ": the conditions depend on each other in a circle: optim.learning_rate"),
    ("3", ": must be a table of settings and the values they must have, got 3"),
]


@pytest.mark.parametrize(("when", "expected"), CONDITIONS)
def test_mistakes_in_conditions(tmp_path: Path, when: str, expected: str) -> None:
    line = f'{RATE}{{ low = 0.1, high = 0.2, when = {when} }}\n"heads.sst.layers" = {{ low = 1, high = 3 }}'
    assert message(tmp_path, with_space(line)) == f"study.toml:5: {KEY}.when{expected}"
