"""Averaged predictions of real trials: what is written, what is scored, and with which members."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.ensembles import average
from core.inputs.best_model import load_best_model
from core.inputs.dev_gold import dev_examples
from core.inputs.fixed_subset import fixed_subset
from core.scoring import predict
from core.statistics import overall_score, own_metric
from search.ensemble.averaging import average_predictions
from search.ensemble.result import write_ensemble
from search.trials.prediction_files import prediction_values

TASKS = ("sst", "para", "sts")
CPU = torch.device("cpu")


def values(content: bytes) -> list[str]:
    return [line.split(" , ")[1].strip() for line in content.decode().splitlines()[1:]]


def test_an_ensemble_of_one_is_what_is_exported(make: Any, exported: dict[int, Path]) -> None:
    for number, folder in exported.items():
        made = make(trials=str(number))
        for task in TASKS:
            for split in ("dev", "test"):
                assert made.lines(task, split) == (folder / "predictions" / f"{task}-{split}-output.csv").read_bytes()
        provenance = json.loads((folder / "model" / "provenance.json").read_text())
        for key in ("dev", "dev_confusion", "data_sha256", "code", "versions", "study"):
            assert made.record[key] == provenance[key]
        assert made.record["members"][0]["config_sha256"] == provenance["config_sha256"]
        assert made.record["gain"] == 0


def test_the_average_of_three_trials(make: Any, trials: Any) -> None:
    """Recomputed from models: probabilities of every trial for dev and test, averaged, and scored."""
    one, two, three = trials.with_model
    made = make(trials=f"{one},{two},{three},{two}")
    assert made.shares == {task: {one: 0.25, two: 0.5, three: 0.25} for task in TASKS}
    config, scores = trials.config(one), {}
    models = {n: load_best_model(trials.folder(n), trials.config(n), trials.resources) for n in (one, two, three)}
    for task in TASKS:
        spec = config.tasks[task].spec
        for split in ("dev", "test"):
            examples = trials.resources.examples(config, spec, split)
            outputs = [
                predict(models[n].model, trials.config(n), examples, models[n].layout, CPU) for n in (one, two, three)
            ]
            expected = average(outputs, [1, 2, 1])
            assert values(made.lines(task, split)) == prediction_values(spec, expected)
            if split == "dev":
                scores[task] = own_metric(spec, expected, trials.gold(task))
    specs = {task: config.tasks[task].spec for task in TASKS}
    overall = overall_score(scores, specs, dict.fromkeys(TASKS, 1.0))
    assert made.record["dev"] == pytest.approx({"overall": overall, **scores}, abs=1e-12)
    best = max(map(trials.overall, models))
    assert made.record["gain"] == pytest.approx(overall - best, abs=1e-12)
    assert f"{overall:.4f}" in made.printed
    assert f"{overall - best:+.4f}" in made.printed
    assert "Members were named by hand (4 trials have dev scores)." in made.printed


def test_members_are_recorded_as_the_study_has_them(make: Any, trials: Any) -> None:
    made = make(trials="0,1,2,3", dev_only=True)
    for member in made.record["members"]:
        record = trials.record(member["trial"])
        assert member["dev"] == {"overall": record.result.overall, **record.result.scores}
        assert member["rung"] == record.result.best_rung
        recomputed = {
            task: own_metric(record.config.tasks[task].spec, trials.stored(record.number, task), trials.gold(task))
            for task in TASKS
        }
        assert recomputed == record.result.scores
        assert f"trial {record.number}" in made.printed


def test_members_of_one_task(make: Any, trials: Any, exported: dict[int, Path]) -> None:
    """The cooking report's recipe: sst by another choice of runs than the rest, which is the best trial's."""
    best, second = exported
    made = make(of=[f"sst={second}"])
    assert made.shares == {"sst": {best: 0, second: 1}, "para": {best: 1, second: 0}, "sts": {best: 1, second: 0}}
    for task, number in (("sst", second), ("para", best), ("sts", best)):
        expected = exported[number] / "predictions" / f"{task}-test-output.csv"
        assert made.lines(task, "test") == expected.read_bytes()
    assert any(line.rstrip().endswith("  sst 1.00") for line in made.printed.splitlines())
    other = make(trials=f"{best},{second}", of=[f"sts={best}", f"para={second}"], dev_only=True)
    assert other.shares == {
        "sst": {best: 0.5, second: 0.5},
        "para": {best: 0, second: 1},
        "sts": {best: 1, second: 0},
    }
    expected_sst = prediction_values(
        trials.config(best).tasks["sst"].spec, average([trials.stored(n, "sst") for n in (best, second)])
    )
    assert values(other.lines("sst", "dev")) == expected_sst


def test_without_models_dev_alone_is_predicted(make: Any, refused: Any, trials: Any) -> None:
    number = trials.without_model
    assert "the model is gone" in (message := refused(trials=f"0,{number}"))
    assert "keep_models" in message
    assert "--dev-only" in message
    full = make(trials=str(trials.with_model[0]))
    assert (full.folder / "predictions" / "sst-test-output.csv").exists()
    made = make(trials=str(number), dev_only=True)
    # Neither test files nor a file of the ensemble that was there before.
    assert sorted(path.name for path in (made.folder / "predictions").iterdir()) == [
        "checksums.json",
        "para-dev-output.csv",
        "sst-dev-output.csv",
        "sts-dev-output.csv",
    ]
    stored = trials.stored(number, "sts")
    assert values(made.lines("sts", "dev")) == [str(score) for score in stored]


def test_files_of_others_are_left_alone(make: Any, tmp_path: Path) -> None:
    mine = tmp_path / "mine" / "predictions" / "notes.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("dear diary")
    make(trials="0", dev_only=True, out=tmp_path / "mine")
    assert mine.read_text() == "dear diary"


def test_scores_are_on_what_trials_were_scored_on_and_files_on_all_of_dev(train_members: Any, tmp_path: Path) -> None:
    """20 of 60 dev examples of sst, and all of sts."""
    members, resources = train_members()
    config = members[0].config
    dev = {task: dev_examples(config, task) for task in config.tasks}
    shares = {"sst": {0: 0.5, 1: 0.5}, "sts": {0: 0.5, 1: 0.5}}
    whole = resources.examples(config, config.tasks["sst"].spec, "dev")
    chosen = fixed_subset(60, 20, "sst")

    made = average_predictions(members, shares, dev, resources, dev_only=False)
    stored = average([m.predictions["sst"] for m in members])
    assert stored.shape == (20, 5)
    assert made.scores.scores["sst"] == (stored.argmax(axis=1) == np.asarray(whole.labels)[chosen]).mean()
    written = {(output.spec.name, output.split): output for output in made.outputs}
    assert [len(output.predictions) for output in written.values()] == [60, 40, 60, 40]
    assert written["sst", "dev"].ids == whole.ids
    assert np.allclose(written["sst", "dev"].predictions[chosen], stored, atol=1e-5)
    assert made.whole_dev is not None
    right = written["sst", "dev"].predictions.argmax(axis=1) == whole.labels
    assert made.whole_dev.scores == {"sst": right.mean(), "sts": made.scores.scores["sts"]}
    write_ensemble(tmp_path / "out", made, {})
    record = json.loads((tmp_path / "out" / "ensemble.json").read_text())
    assert record["dev_examples"] == {"sst": 20, "sts": 60}
    assert record["whole_dev"]["sst"] == right.mean()

    made = average_predictions(members, shares, dev, resources, dev_only=True)
    assert [len(output.predictions) for output in made.outputs] == [20, 60]
    assert made.outputs[0].ids == [whole.ids[position] for position in chosen]
    assert made.whole_dev is None


def test_only_members_with_a_share_are_asked(train_members: Any) -> None:
    members, resources = train_members()
    members[1].folder.best_model.unlink()
    dev = {task: dev_examples(members[0].config, task) for task in ("sst", "sts")}
    made = average_predictions(members, {"sst": {0: 1.0}, "sts": {0: 1.0}}, dev, resources, dev_only=False)
    assert [m.number for m in made.members] == [0]


def test_the_command(trials: Any, run_command: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    one, two, _ = trials.with_model
    arguments = ("--trials", f"{one},{two}", "--of", f"sst={two}", "--of", f"sts={one}", "--out", tmp_path)
    done = run_command("search.ensemble", "--study", "tiny", *arguments, "--runs-dir", trials.runs)
    assert done.returncode == 0, done.stderr
    assert "gain over trial" in done.stdout
    record = json.loads((tmp_path / "ensemble.json").read_text())
    assert [m["shares"] for m in record["members"]] == [
        {"sst": float(number == two), "para": 0.5, "sts": float(number == one)} for number in sorted((one, two))
    ]
    assert len(list((tmp_path / "predictions").glob("*.csv"))) == 6
