"""Mistakes in [base] of a study file."""

from pathlib import Path

import pytest

from tests.search.study_texts import message, with_space

BASE = [
    (
        "[base.optim]\nlearning_rat = 1.0",
        "4: base.optim.learning_rat: no such setting of a run; did you mean 'optim.learning_rate'?",
    ),
    ("[base.optm]\nlearning_rate = 1.0", "3: base.optm: no such setting of a run; did you mean 'optim'?"),
    (
        "[base]\nlearning_rate = 1.0",
        "4: base.learning_rate: no such setting of a run; did you mean 'optim.learning_rate'?",
    ),
    ("[base.heads.stss]\nlayers = 2", "3: base.heads.stss: no such setting of a run; did you mean 'heads.sts'?"),
    ("[base.optim]\nlearning_rate = 2.0", "4: base.optim.learning_rate: must be at most 1, got 2"),
    ("[base.optim]\nlearning_rate = 0", "4: base.optim.learning_rate: must be above 0, got 0"),
    ("[base.optim]\nlearning_rate = '1e-3'", "4: base.optim.learning_rate: must be a number, got '1e-3'"),
    ("[base.optim]\nlearning_rate = nan", "4: base.optim.learning_rate: must be a finite number, got nan"),
    ("[base]\noptim = 3", "4: base.optim: must be a table [base.optim], got 3"),
    (
        "[base.heads.sst]\npooling = 'avg'",
        "4: base.heads.sst.pooling: must be one of cls, pooler, mean, max, got 'avg'",
    ),
    ("[base.eval]\nrungs = 'many'", "4: base.eval.rungs: must be a whole number, got 'many'"),
    ("[base.eval]\nrungs = [5, 3]", "4: base.eval.rungs: must be ascending and at least 1, got [5, 3]"),
    ("[base.tasks.sst]\nspec = 3", "4: base.tasks.sst.spec: describe a task under [tasks.NAME], not in the base"),
    (
        "[base.heads.sst]\npair = 'siamese'",
        "4: base.heads.sst.pair: 'siamese': task 'sst' has single sentences, not pairs",
    ),
    ("[base.heads.sst]\nclass_weights = [1.0, 2.0]", "4: base.heads.sst.class_weights: has 2 weights for 5 classes"),
    (
        "[base.heads.sts]\nloss = 'pearson'\n[base.tasks.sts]\nbatch_size = 2",
        "4: base.heads.sts.loss: 'pearson' needs batches of at least 3 examples (8 or more work well), because two "
        "points always correlate; got 2",
    ),
    ("[base.loss.weights]\nsst=0\npara=0\nsts=0", "3: base.loss.weights: at least one task needs a weight above 0"),
    (
        "[base.swa]\nstart = 0.5\n[base.optim]\nema = 0.9",
        "4: base.swa.start: swa.start and optim.ema both select the weights to score; remove one of them",
    ),
    (
        "[base.smart]\nweight = 1.0",
        "4: base.smart.weight: must be a table [base.smart.weight], for example { sst = 1.0 }, got 1.0",
    ),
    (
        "[base.loss]\ntaper = 3",
        '4: base.loss.taper: must be a table [base.loss.taper], for example { sst = "constant" }, got 3',
    ),
    ("[base]\nheads = 3", "4: base.heads: must be a table [base.heads], got 3"),
    (
        "[base.model]\nencoder = 'scratch'\nscratch.layers = 2\nreinit_layers = 3",
        "6: base.model.reinit_layers: 3, but model.scratch.layers = 2",
    ),
]


@pytest.mark.parametrize(("base", "expected"), BASE)
def test_mistakes_in_the_base(tmp_path: Path, base: str, expected: str) -> None:
    assert message(tmp_path, with_space('"sampler.alpha" = [0.0, 1.0]', base)) == f"study.toml:{expected}"
