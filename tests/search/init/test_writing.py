"""The study file that is written: of Hub data sets, and for small data."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from search.init import __main__ as init
from search.study.file import load_study

Run = Callable[..., subprocess.CompletedProcess[str]]

CARD = """---
configs:
- config_name: mood
  data_files:
  - {split: train, path: mood-train.csv}
  - {split: validation, path: mood-validation.csv}
---
"""


def test_a_study_of_a_hub_data_set(tmp_path: Path, run_command: Run) -> None:
    pytest.importorskip("datasets")
    folder = tmp_path / "org" / "set"  # datasets reads a folder of this name before the Hub
    folder.mkdir(parents=True)
    (folder / "README.md").write_text(CARD)
    for split, rows in (("train", 60), ("validation", 20)):
        lines = [
            f"a {'fine' if at % 2 else 'dull'} film about {at},{'good' if at % 2 else 'bad'}" for at in range(rows)
        ]
        (folder / f"mood-{split}.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    env = {**os.environ, "HF_HOME": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1"}
    steps = [
        ("search.init", "hub:org/set/mood", "--model", "scratch", "--yes"),
        ("search.run", "--study", "mood", "--trials", "1", "--dry-run"),
        ("search.run", "--study", "mood", "--trials", "1"),
        ("search.export", "--study", "mood"),
    ]
    done = [run_command(*step, cwd=tmp_path, env=env) for step in steps]
    for one in done:
        assert one.returncode == 0, one.stderr
    assert "onebert run --study mood --dry-run\n  onebert run --study mood\n" in done[0].stdout
    assert "missing" not in done[1].stdout
    predicted = pd.read_csv(tmp_path / "runs" / "mood" / "export" / "predictions" / "mood-dev-output.csv")
    assert list(predicted["id"]) == list(range(20))
    # The whole data set as the data folder, in place of names of files in the study.
    study = tmp_path / "studies" / "mood.toml"
    study.write_text(study.read_text().replace("hub:org/set/mood/", ""))
    moved = ("--study", "mood", "--name", "moved", "--data", "hub:org/set/mood")
    again = run_command("search.run", *moved, "--dry-run", cwd=tmp_path, env=env)
    assert again.returncode == 0, again.stderr
    assert "missing" not in again.stdout
    assert "mood  classify  2 classes: bad, good  accuracy     60   20" in again.stdout


@pytest.mark.parametrize(("rows", "is_small"), [(120, True), (1_200, False)])
def test_a_small_dev_is_named_with_what_to_do(
    rows: int, is_small: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [
        f"a {'fine' if at % 2 else 'dull'} film about number {at},{'good' if at % 2 else 'bad'}" for at in range(rows)
    ]
    Path("mood.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    init.main([Path("mood.csv")], model="scratch", yes=True)
    study = Path("studies/mood.toml").read_text()
    assert ("# Dev has only 24 rows of mood." in study) == is_small
    assert ("write folds = 5 here" in study) == is_small
    # What the comment says is a study.
    changed = study.replace('pruner = "halving"\n', 'pruner = "halving"\nfolds = 5\n')
    share = "0.2" if is_small else "0.1"
    assert f"dev = {share}, " in changed
    Path("studies/mood.toml").write_text(changed.replace(f"dev = {share}, ", ""))
    assert load_study("mood", data=tmp_path).base.tasks["mood"].spec.folds == 5
