"""Soups of real trials: the model that is written, its scores, and trials that do not go together."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import search
from core.config import RunConfig
from core.inputs.best_model import load_best_model
from core.inputs.dev_gold import dev_examples
from core.inputs.fixed_subset import fixed_subset
from core.model.lora import merged_state_dict
from core.model_files.model_folder import load_model_folder
from core.scoring import predict
from search.ensemble.result import write_ensemble
from search.ensemble.soup import average_weights
from search.recorded.provenance import made_from
from search.trials.prediction_files import prediction_values

TASKS = ("sst", "para", "sts")
CPU = torch.device("cpu")


def values(content: bytes) -> list[str]:
    return [line.split(" , ")[1].strip() for line in content.decode().splitlines()[1:]]


def test_the_uniform_soup_is_the_mean_model(make: Any, trials: Any) -> None:
    made = make(soup="uniform")
    trained = load_model_folder(made.folder / "model")
    states = [load_file(trials.folder(number).best_model) for number in trials.with_model]
    for name, weight in trained.model.state_dict().items():
        mean = torch.stack([state[name].double() for state in states]).mean(0)
        assert torch.equal(weight, mean.float()), name
    assert made.shares["sst"] == pytest.approx(dict.fromkeys(trials.with_model, 1 / 3))
    scores = {}
    for task in TASKS:
        spec = trained.config.tasks[task].spec
        for split in ("dev", "test"):
            examples = trials.resources.examples(trials.config(0), spec, split)
            outputs = predict(trained.model, trained.config, examples, trained.layout, CPU)
            assert values(made.lines(task, split)) == prediction_values(spec, outputs)
            if split == "dev" and not spec.kind.is_score:
                scores[task] = (outputs.argmax(axis=1) == trials.gold(task)).mean()
    assert {task: made.record["dev"][task] for task in scores} == scores
    provenance = json.loads((made.folder / "model" / "provenance.json").read_text())
    assert provenance == made.record
    assert provenance["method"] == "uniform soup"
    assert "from 3 of 4 scored trials" in made.printed
    assert "model: " in made.printed


def test_the_greedy_soup_does_not_fall_below_its_best_ingredient(make: Any, trials: Any) -> None:
    made = make(soup="greedy")
    best = trials.with_model[0]
    assert made.record["best_member"] == best
    assert made.record["dev"]["overall"] >= trials.overall(best)
    assert made.record["by_hand"] is False
    assert (made.folder / "model" / "model.safetensors").exists()
    # An ensemble without a model does not keep that of the last one.
    averaged = make(trials=str(best))
    assert averaged.folder == made.folder
    assert not (made.folder / "model").exists()


def test_a_soup_is_written_for_other_libraries(make: Any) -> None:
    transformers = pytest.importorskip("transformers")
    made = make(soup="uniform", formats=["transformers", "onnx-int8"])
    formats = made.record["formats"]
    assert formats["written"] == {"sst": "transformers", "onnx-int8": "onnx-int8"}
    assert [line.split(" ")[1] for line in formats["refused"]] == ["para", "sts"]
    assert [line.split(" ")[1] for line in formats["int8"]] == list(TASKS)
    for line in [*formats["refused"], *formats["int8"]]:
        assert line in made.printed
    assert f"for transformers: {made.folder / 'model' / 'sst'}" in made.printed
    folder = str(made.folder / "model" / "sst")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        theirs = model(**tokenizer("a film", return_tensors="pt")).logits.softmax(-1).numpy()
    ours = search.load_model(made.folder / "model").predict(["a film"], "sst").probabilities
    assert theirs == pytest.approx(ours, abs=1e-5)
    # The next ensemble in this folder has none.
    again = make(soup="uniform")
    assert "formats" not in again.record
    assert not (again.folder / "model" / "sst").exists()


def test_formats_need_a_soup(refused: Any) -> None:
    said = refused(greedy=2, formats=["transformers"])
    assert said.startswith("error: --format writes one model, and averaged predictions have several")


@pytest.mark.parametrize("kind", ["uniform", "greedy"])
def test_a_soup_of_one_model_is_the_model(
    make: Any, trials: Any, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of the study in which a second trial has the best one's model: to the byte what search.export writes."""
    monkeypatch.setattr("search.ensemble.soup.check_member", lambda *_: None)  # the model is not the second trial's
    best, second = trials.with_model[:2]
    copy = tmp_path / "runs"
    shutil.copytree(trials.runs, copy)
    source, target = (type(trials)(copy).folder(number) for number in (best, second))
    shutil.copy(source.best_model, target.best_model)
    target.checksums.path.unlink()
    made = make(soup=kind, trials=f"{best},{second}", runs_dir=copy)
    assert [m["trial"] for m in made.record["members"]] == sorted((best, second))
    assert made.record["by_hand"] is (kind == "uniform")
    model = load_model_folder(made.folder / "model").model.state_dict()
    assert all(torch.equal(weight, model[name]) for name, weight in load_file(source.best_model).items())
    for task in TASKS:
        assert made.record["dev"][task] == trials.record(best).result.scores[task]
    assert made.record["gain"] == 0


@pytest.mark.filterwarnings("ignore:.* without checksums")
@pytest.mark.parametrize("options", [{"soup": "uniform"}, {}])
def test_a_model_of_another_trial_is_refused(
    refused: Any, trials: Any, tmp_path: Path, options: dict[str, Any]
) -> None:
    best, second = trials.with_model[:2]
    copy = tmp_path / "runs"
    shutil.copytree(trials.runs, copy)
    target = type(trials)(copy).folder(second)
    shutil.copy(trials.folder(best).best_model, target.best_model)
    target.checksums.path.unlink()  # which would tell
    message = refused(trials=f"{best},{second}", runs_dir=copy, **options)
    assert f"trial {second} was recorded with " in message
    assert "its files or the dev file have changed" in message


def test_seeds_that_differ(refused: Any, trials: Any, tmp_path: Path) -> None:
    first, last = sorted(trials.with_model)[::2]
    copy = tmp_path / "runs"
    shutil.copytree(trials.runs, copy)
    config = type(trials)(copy).folder(last).config
    config.write_text(json.dumps(json.loads(config.read_text()) | {"seed": 7}))
    recorded = RunConfig.model_validate_json(config.read_text()).canonical_json()
    with closing(sqlite3.connect(copy / "studies.db")) as database:
        where = "key = 'config' AND trial_id = (SELECT trial_id FROM trials WHERE number = ?)"
        database.execute(f"UPDATE trial_user_attributes SET value_json = ? WHERE {where}", (json.dumps(recorded), last))
        database.commit()
    message = refused(soup="uniform", trials=f"{first},{last}", runs_dir=copy)
    assert f"trial {first} and trial {last} cannot be souped, as they differ in seed (0 and 7)" in message


def test_loras_of_two_ranks_on_a_part_of_dev(train_members: Any, tmp_path: Path) -> None:
    """Their merged weights are averaged; the score is on what trials are scored on, the files are for all of dev."""
    rate = {"optim": {"learning_rate": 5e-3}}
    members, resources = train_members(rate | {"lora": {"rank": 2}}, rate | {"lora": {"rank": 4, "alpha": 8.0}})
    config = members[0].config
    dev = {task: dev_examples(config, task) for task in config.tasks}
    made = average_weights(members, greedy=False, dev=dev, resources=resources)
    assert made.model is not None
    merged = [merged_state_dict(load_best_model(m.folder, m.config, resources).model) for m in members]
    updated = "encoders.all-tasks.encoder.layer.0.attention.self.query.weight"
    assert not torch.equal(merged[0][updated], merged[1][updated])
    for name, weight in made.model.model.state_dict().items():
        assert torch.allclose(weight, (merged[0][name] + merged[1][name]) / 2, atol=1e-7), name
    outputs = {(output.spec.name, output.split): output for output in made.outputs}
    right = outputs["sst", "dev"].predictions.argmax(axis=1) == outputs["sst", "dev"].labels
    assert made.scores.scores["sst"] == right[fixed_subset(60, 20, "sst")].mean()
    assert made.whole_dev is not None
    assert made.whole_dev.scores["sst"] == right.mean()
    write_ensemble(tmp_path / "out", made, {"study": "tiny", **made_from(config)})
    assert "Uniform soup of trials 0, 1 of the study" in (tmp_path / "out" / "model" / "README.md").read_text()
    written = load_model_folder(tmp_path / "out" / "model").model.state_dict()
    assert all(torch.equal(weight, written[name]) for name, weight in made.model.model.state_dict().items())
