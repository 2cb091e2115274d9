"""What makes two studies the same, and what changed between them."""

import json
from pathlib import Path

from search.study.file import load_study
from tests.search.study_texts import MINIMAL, write


def test_identity_ignores_where_and_difference_names_what(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL)
    spec = load_study(path)
    stored = json.loads(json.dumps(spec.identity()))
    same = load_study(path, data="elsewhere", trials=99, workers=2, threads=7)
    assert same.difference(stored) == []
    elsewhere = write(tmp_path, MINIMAL + '[endpoint]\nbase_url = "http://host/v1"\n')
    assert load_study(elsewhere).difference(stored) == []
    other = load_study(write(tmp_path, MINIMAL), model="other")
    assert other.difference(stored) == ["base.model.encoder: was minilm, is now other"]
    changed = MINIMAL.replace("high = 1e-3", "high = 1e-2").replace(
        "trials = 12", 'seed = 4\npruner = "median"\n[synthetic]'
    )
    assert load_study(write(tmp_path, changed)).difference(stored) == [
        "space: optim.learning_rate: high was 0.001, is now 0.01",
        "base.seed: was 0, is now 4",
        "seed: was 0, is now 4",
        "pruner.name: was halving, is now median",
        "synthetic: was none, is now not set",
        "synthetic.train: was not set, is now 4000",
        "synthetic.dev: was not set, is now 500",
        "synthetic.test: was not set, is now 500",
        "synthetic.seed: was not set, is now 0",
    ]
