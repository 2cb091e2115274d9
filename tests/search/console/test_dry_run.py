"""What --dry-run shows: tasks and their sizes, what differs from the defaults, encoders, and what would be refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import optuna
import pytest
from optuna.trial import create_trial
from typer.testing import CliRunner

from data.errors import UserError
from search import run
from search.console.cli import make_app
from search.recorded.study import create_or_load
from search.storage.open import open_storage
from search.study.file import load_study

TASKS = """\
[tasks.mood]
kind = "classify"
files = { train = "train.csv", dev = "dev.csv" }
columns = { sentences = ["text"], label = "mood" }
classes = ["neg", "pos"]
metric = "acc"
[tasks.sts]
"""
STUDY = f"""\
{TASKS}
[base.model]
encoder = "scratch"
scratch = {{ layers = 2 }}
[base.optim]
learning_rate = 1e-4
[space]
"optim.learning_rate" = {{ low = 1e-5, high = 1e-3, log = true }}
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder with a study ``mine.toml`` and its data; the output is wide enough for every line."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    Path("mine.toml").write_text(STUDY)
    Path("data").mkdir()
    Path("data", "train.csv").write_text("id,text,mood\n" + "1,good,pos\n" * 1200)
    Path("data", "dev.csv").write_bytes(gzip.compress(b"id,text,mood\n1,good,pos\n2,bad,neg"))


def shown(*options: str) -> str:
    done = CliRunner().invoke(make_app(run.main), ["--study", "mine.toml", "--dry-run", *options])
    assert done.exit_code == 0, done.output
    return "\n".join(" ".join(line.split()) for line in done.output.splitlines())


def test_tasks_settings_and_encoder() -> None:
    text = shown()
    assert "mood classify 2 classes: neg, pos accuracy 1,200 2 -\n" in text
    assert "sts score-pair 0 to 5 pearson missing missing missing\n" in text
    assert "warning: task 'sts': no train file 'data/sts-train.csv'" in text
    assert "optim.learning_rate 0.0001 2e-05\n" in text
    assert "model.scratch.layers 2 none\n" in text
    assert "encoder: trained from scratch\n" in text
    assert "recorded: nothing yet; the study is new\n" in text
    assert sorted(path.name for path in Path().iterdir()) == ["data", "mine.toml"]


def test_splits_that_are_taken_out_of_the_training_file() -> None:
    without_dev = STUDY.replace(', dev = "dev.csv"', "")
    Path("mine.toml").write_text(without_dev.replace("classes", "split = { test = 0.2 }\nclasses"))
    assert "accuracy 1,200 10% of train 20% of train\n" in shown()
    Path("data", "train.csv").write_text("id,text,mood,part\n1,good,pos,train\n")
    Path("mine.toml").write_text(without_dev.replace("classes", 'split = { column = "part" }\nclasses'))
    assert "accuracy 1 from train from train\n" in shown()


def test_a_study_over_folds() -> None:
    in_folds = STUDY.replace(', dev = "dev.csv"', "").replace("classes", "split = { test = 0.2 }\nclasses")
    Path("mine.toml").write_text(f"folds = 5\n{in_folds}".replace("[tasks.sts]\n", ""))
    assert "accuracy 1,200 in 5 folds 20% of train\n" in shown()


def test_a_column_that_a_file_lacks() -> None:
    Path("data", "train.csv").write_text("id,text,mod\n" + "1,good,pos\n" * 20_000)
    assert "warning: data/train.csv: no column 'mood'; " in shown()
    Path("data", "train.csv").write_bytes("id,text,mood\n1,gut,pos\n".encode("utf-16"))
    assert "no column" not in shown()


def test_a_study_of_this_name_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    create_or_load(load_study("mine.toml"), open_storage(None, Path("runs")))
    Path("below").mkdir()
    said = "warning: a study 'mine' is recorded in '../runs' (cd ..); this is a new one, in 'runs'\n"
    assert said not in shown()
    monkeypatch.chdir("below")
    Path("mine.toml").write_text(STUDY)
    assert said in shown()
    assert said not in shown("--runs-dir", "other")


def test_rungs_in_shares_of_the_budget() -> None:
    Path("mine.toml").write_text(STUDY + "[base.budget]\nexamples = 1000\n[base.eval]\nrungs = [0.25, 0.5, 1.0]\n")
    assert "up to 1,000 training examples, dev scored at 250, 500, 1,000;" in shown()
    assert "eval.rungs [0.25, 0.5, 1.0] 5\n" in shown()


def test_a_length_in_passes() -> None:
    """It is shown in examples, and recorded in them: with further rows, the study is another one."""
    Path("mine.toml").write_text(STUDY.replace("[tasks.sts]\n", "") + "[base.budget]\npasses = 2.5\n")
    _write_rows(1200)
    text = shown()
    assert "up to 3,000 training examples, dev scored at 600, 1,200, 1,800, 2,400, 3,000;" in text
    assert "length: 2.5 passes over the joint training set of 1,200 examples = 3,000 training examples\n" in text
    assert "budget.examples 3000 20000\n" in text
    create_or_load(load_study("mine.toml"), open_storage(None, Path("runs")))
    assert "the study is continued\n" in shown()
    _write_rows(1600)
    assert "length: 2.5 passes over the joint training set of 1,600 examples = 4,000 training examples\n" in shown()
    spec = load_study("mine.toml")
    storage = open_storage(None, Path("runs"))
    study = optuna.load_study(study_name="mine", storage=storage)
    study.add_trial(create_trial(value=0.5, intermediate_values={600: 0.5}))
    with pytest.raises(UserError, match=r"base\.budget\.examples: was 3000, is now 4000 \(computed from passes: "):
        create_or_load(spec, storage)


def test_variants_of_different_lengths() -> None:
    _write_rows(1200)
    common = STUDY.replace("[tasks.sts]\n", "").partition("[space]")[0]
    Path("mine.toml").write_text(
        common + "[base.eval]\nrungs = [0.5, 1.0]\n[variants.short]\nbudget.examples = 400\n"
        "[variants.long]\nbudget.passes = 3\n[variants.often]\nbudget.examples = 400\neval.rungs = 4\n"
    )
    text = shown()
    assert "budget: 3 trials of up to 3,600 training examples, dev scored at the rungs below; sampler grid" in text
    assert "length: short: 400 training examples, dev scored at 200, 400\n" in text
    passes = "3 passes over the joint training set of 1,200 examples = 3,600 training examples"
    assert f"length: long: {passes}, dev scored at 1,800, 3,600\n" in text
    assert "length: often: 400 training examples, dev scored at 100, 200, 300, 400\n" in text


def test_a_stage_in_passes() -> None:
    stage = "[base.pretraining.mlm]\npasses = 2\nbatch_size = 8\nschedule = 'constant'\n"
    Path("mine.toml").write_text(STUDY + stage)
    text = shown()
    assert "pretraining.mlm.passes 2 none\n" in text
    assert "pretraining.mlm.schedule constant linear\n" in text
    Path("mine.toml").write_text(STUDY + stage + "examples = 9\n")
    done = CliRunner().invoke(make_app(run.main), ["--study", "mine.toml", "--dry-run"])
    assert done.exit_code == 2
    expected = "mine.toml:17: base.pretraining.mlm.passes: must not be combined with examples = 9: give the length"
    assert done.output.startswith(f"error: {expected}")


def _write_rows(count: int) -> None:
    Path("data", "train.csv").write_text("id,text,mood\n" + "".join(f"{number},good,pos\n" for number in range(count)))


def test_a_length_in_passes_and_in_examples() -> None:
    Path("mine.toml").write_text(STUDY + "[base.budget]\npasses = 2.5\nexamples = 100\n")
    done = CliRunner().invoke(make_app(run.main), ["--study", "mine.toml", "--dry-run"])
    assert done.exit_code == 2
    assert "mine.toml:17: base.budget.passes: cannot be combined with budget.examples: give the length" in done.output


def test_an_encoder_that_is_not_there_and_no_data() -> None:
    text = shown("--data", "nowhere", "--model", "./no-such-folder")
    assert text.count("no data folder 'nowhere'") == 1
    assert "encoder: ./no-such-folder cannot be had\n" in text
    assert "warning: encoder: " in text


def test_a_recorded_study() -> None:
    create_or_load(load_study("mine.toml"), open_storage(None, Path("runs")))
    assert "recorded: 0 trials have ended; the study is continued\n" in shown()
    changed = STUDY.replace("high = 1e-3", "high = 1e-2")
    Path("mine.toml").write_text(changed)
    assert "a study of this name without a finished trial; it begins again with what has changed\n" in shown()
    optuna.load_study(study_name="mine", storage=open_storage(None, Path("runs"))).add_trial(create_trial(value=1.0))
    assert (
        "warning: the study would be refused: study 'mine' was started with other settings: space: "
        "optim.learning_rate: high was 0.001, is now 0.01. To search these, run with --restart, which moves "
    ) in shown()
    assert "recorded: a study of this name, which is moved aside\n" in shown("--restart")
    Path("mine.toml").write_text(STUDY)
    assert "recorded: 1 trial has ended; the study is continued\n" in shown()
