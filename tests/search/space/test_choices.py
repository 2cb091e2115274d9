"""Choices that the base does not have."""

from pathlib import Path

from search.study.file import load_study
from tests.search.study_texts import with_space, write


def test_what_to_write_where_the_base_lies_outside(tmp_path: Path) -> None:
    line = '"heads.sts.loss" = ["mse", "pearson"]\n"sampler.alpha" = { low = 0.0, high = 1.0 }'
    spec = load_study(write(tmp_path, with_space(line)))
    assert spec.space.encode(spec.base).notes == (
        "heads.sts.loss = none lies outside mse, pearson; "
        'add "none" to the choices, or set base.heads.sts.loss = "mse"',
    )
    for mended in (
        with_space(line.replace("[", '["none", ')),
        with_space(line, '[base.heads.sts]\nloss = "mse"'),
    ):
        spec = load_study(write(tmp_path, mended))
        assert spec.space.encode(spec.base).notes == ()
