"""Study files: what they give, and what is said about mistakes in them."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from data.errors import UserError
from search.__main__ import app
from search.study.file import load_study
from search.study.spec import SyntheticSpec
from tests.search.study_texts import MINIMAL, message, write
from tests.stub_gpus import write_nvidia_smi


def test_defaults_of_a_minimal_study(tmp_path: Path) -> None:
    spec = load_study(write(tmp_path, MINIMAL, "my-study"))
    assert (spec.name, spec.trials, spec.seed, spec.workers, spec.keep_models) == ("my-study", 12, 0, 1, 3)
    assert (spec.sampler.name, spec.pruner.name, spec.synthetic) == ("tpe", "halving", None)
    assert list(spec.base.tasks) == ["sst", "para", "sts"]
    assert spec.base.model.encoder == "minilm"
    assert spec.base.optim.learning_rate == 2e-5
    assert spec.source == tmp_path / "my-study.toml"


def test_everything_in_one_file(tmp_path: Path) -> None:
    (tmp_path / "my_tasks.toml").write_text(
        '[tasks.cola]\nkind = "classify"\nclasses = ["bad", "good"]\nmetric = "accuracy"\n'
        'files = { train = "a", dev = "b" }\ncolumns = { sentences = ["s"], label = "l" }\n'
    )
    spec = load_study(
        write(
            tmp_path,
            """\
description = "all of it"
task_files = ["my_tasks.toml"]
trials = 20
seed = 5
workers = 2
keep_models = 1
sampler = { name = "tpe", n_startup_trials = 5 }
pruner = { name = "halving", reduction_factor = 2 }

[tasks.sst]
[tasks.cola]
[tasks.irony]
kind = "classify"
classes = ["no", "yes"]
metric = "f1"
files = { train = "train.tsv", dev = "dev.tsv" }
columns = { sentences = ["text"], label = "label" }

[base.tasks.sst]
dev_limit = 300
[base.optim]
clip_norm = "none"
weight_decay = 0
[base.eval]
rungs = [100, 200]
[base.compute]
threads = 3

[space]
"optim.learning_rate" = { low = 1e-5, high = 1e-3, log = true }
"heads.irony.layers" = { low = 1, high = 3 }
"heads.irony.dropout_hidden" = { low = 0.0, high = 0.5, when = { "heads.irony.layers" = { above = 1 } } }
"model.dropout" = [0.0, 0.1]
"loss.weights" = { simplex = ["sst", "irony"], min = 0.1 }
""",
        )
    )
    assert list(spec.base.tasks) == ["sst", "cola", "irony"]
    assert spec.base.tasks["irony"].spec.classes == ("no", "yes")
    assert spec.base.tasks["sst"].dev_limit == 300
    assert spec.base.optim.clip_norm is None
    assert (spec.base.optim.weight_decay, spec.base.compute.threads, spec.base.seed) == (0.0, 3, 5)
    assert spec.base.rungs == (100, 200, 20_000)
    assert spec.sampler.options == {"n_startup_trials": 5}
    assert (spec.trials, spec.base.budget.examples) == (20, 20_000)
    assert spec.pruner.describe() == "halving (reduction_factor = 2)"
    assert [row.path for row in spec.space.describe()][-1] == "loss.weights"


def test_overrides_replace_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL + "[synthetic]\ntrain = 100\n")
    assert load_study(path).synthetic == SyntheticSpec(train=100)
    spec = load_study(path, data=Path("elsewhere"), model="my-bert", trials=3, workers=2, threads=5, name="fork")
    assert spec.name == "fork"
    assert (spec.base.data.directory, spec.base.model.encoder, spec.synthetic) == ("elsewhere", "my-bert", None)
    assert (spec.trials, spec.workers, spec.base.compute.threads) == (3, 2, 5)


def test_a_pretrained_model_drops_the_shape_of_a_scratch_one(tmp_path: Path) -> None:
    scratch = MINIMAL.replace('"minilm"', '"scratch"\nscratch.layers = 3')
    assert load_study(write(tmp_path, scratch)).base.model.scratch.layers == 3  # type: ignore[union-attr]
    assert load_study(write(tmp_path, scratch), model="minilm").base.model.scratch is None


def test_the_usable_cores_are_shared_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    path = write(tmp_path, MINIMAL)
    assert [load_study(path, workers=n).base.compute.threads for n in (1, 3, 16)] == [8, 2, 1]


def test_gpus_decide_how_many_workers_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", write_nvidia_smi(tmp_path / "bin")["PATH"])
    path = write(tmp_path, f'gpus = "all"\n{MINIMAL}')
    spec = load_study(path)
    assert ([device.name for device in spec.devices], spec.workers) == (["cuda:0", "cuda:1", "cuda:2"], 3)
    assert spec.base.compute.threads == 2
    spec = load_study(path, gpus="2,0", workers_per_gpu=2)
    assert ([device.visible for device in spec.devices], spec.workers) == (["GPU-c", "GPU-a"], 4)
    assert load_study(write(tmp_path, f"gpus = [1]\nworkers_per_gpu = 3\n{MINIMAL}", "one")).workers == 3
    with pytest.raises(UserError, match="--workers-per-gpu needs --gpus, or gpus in the study file"):
        load_study(write(tmp_path, MINIMAL, "without"), workers_per_gpu=2)
    # A study can be looked at where its GPUs are not.
    (tmp_path / "bin" / "nvidia-smi").unlink()
    spec = load_study(path)
    assert (spec.gpus, spec.devices, spec.workers) == ("all", (), 1)
    assert load_study(write(tmp_path, MINIMAL, "other")).gpus is None


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ('gpus = "two"', r"1: gpus: must be all, or numbers of GPUs such as 0,1, got 'two'"),
        ("gpus = [0, 0]", r"1: gpus: names a GPU twice"),
        ('gpus = "all"\nworkers = 2', r"2: workers: cannot be combined with gpus"),
        (
            'gpus = "all"\nbase.compute.device = "cpu"',
            r"1: gpus: need base.compute.device = 'cuda' or 'auto'",
        ),
        ("workers_per_gpu = 0", r"1: workers_per_gpu: "),
    ],
)
def test_gpus_that_cannot_be(keys: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        load_study(write(tmp_path, f"{keys}\n{MINIMAL}"))


def test_a_name_that_is_not_a_folder_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^name must be letters, digits, '_', '-' and '.' only, got '../x'$"):
        load_study(write(tmp_path, MINIMAL), name="../x")


@pytest.mark.parametrize("option", ["trials", "workers", "threads", "workers_per_gpu"])
def test_overrides_below_one_are_refused(tmp_path: Path, option: str) -> None:
    with pytest.raises(UserError, match=f"^{option} must be at least 1, got 0$"):
        load_study(write(tmp_path, MINIMAL), **{option: 0})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["quickstart", "starter"])
def test_packaged_studies_are_valid_and_hold_their_own_base(name: str, tmp_path: Path) -> None:
    spec = load_study(name, studies_dir=tmp_path)
    encoding = spec.space.encode(spec.base)
    assert encoding.notes == ()
    assert spec.trials >= 12
    assert len(spec.base.rungs) >= 4
    assert spec.description


MISTAKES = [
    ("trials = = 3", "study.toml:1: not TOML: Invalid value (column 10)"),
    ('tasks = ["sst"', "study.toml:1: not TOML: Unclosed array (at end of document)"),
    (MINIMAL + "low = ", "study.toml:9: not TOML: Invalid value (at end of document)"),
    ('tasks = ["sst"]\n', "study.toml: space: is missing; add [space] to search, or [variants.NAME] to compare"),
    (
        'tasks = ["sst"]\n[space]\n',
        'study.toml:2: space: is empty; give at least one setting, for example "optim.learning_rate"',
    ),
    (MINIMAL + "[synthetic]\ntrian = 3\n", "study.toml:10: synthetic.trian: unknown key; did you mean 'train'?"),
    (MINIMAL + "[synthetic]\ndev = 1\n", "study.toml:10: synthetic.dev: must be at least 2, got 1"),
    (
        MINIMAL.replace('"para"', '"cfimdb"') + "[synthetic]\n",
        "study.toml:9: synthetic: a corpus can be generated for sst, para, sts, not for 'cfimdb'",
    ),
    (
        MINIMAL.replace("trials = 12", "sampler = 3"),
        'study.toml:2: sampler: must be a name, or a table { name = "...", ... }, got 3',
    ),
    (
        MINIMAL.replace("trials = 12", 'sampler = { name = "tpe", n_startup = 5 }'),
        "study.toml:2: sampler.n_startup: unknown key; did you mean 'n_startup_trials'?",
    ),
    (
        MINIMAL.replace("trials = 12", 'pruner = "hyperbnd"'),
        "study.toml:2: pruner: unknown name 'hyperbnd'; did you mean 'hyperband'? Known: "
        "hyperband, halving, median, percentile, patient, threshold, none, or 'package.module:Class'",
    ),
]


@pytest.mark.parametrize(("text", "expected"), MISTAKES)
def test_mistakes_at_the_top(tmp_path: Path, text: str, expected: str) -> None:
    assert message(tmp_path, text) == expected


def test_a_plan_runs_no_code_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It only looks for the module; a search imports it before it reads any data."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_sampler.py").write_text("raise SystemExit(7)\n")
    write(tmp_path, MINIMAL.replace("trials", 'sampler = "own_sampler:Mine"\ntrials', 1), "own")
    (tmp_path / "data").mkdir()

    def run(*options: str) -> Result:
        return CliRunner().invoke(app, ["run", "--study", "own.toml", "--data", "data", *options])

    planned = run("--dry-run")
    assert planned.exit_code == 0, planned.output
    assert "note: the sampler own_sampler:Mine is loaded, and checked, when the study runs\n" in planned.stdout
    started = run()
    line = "sampler: cannot import 'own_sampler:Mine': it exits with code 7"
    assert (started.exit_code, started.stderr) == (2, f"error: own.toml:2: {line}\n")


@pytest.mark.parametrize(
    ("line", "key"),
    [("compute = 5", "base.compute"), ("compute = 'threads'", "base.compute"), ("data = []", "base.data")],
)
def test_a_value_for_a_table(line: str, key: str, tmp_path: Path) -> None:
    assert f": {key}: must be a table [{key}]" in message(tmp_path, MINIMAL + f"\n[base]\n{line}\n")


ALL_WRONG = """\
trails = 3
workers = 0
sampler = { name = "tpe", n_startup = 5 }
pruner = "hyperbnd"

[tasks.mood]
kind = "classification"
files = { train = "a.csv", dev = "b.csv" }
columns = { sentences = ["text"], label = "mood" }
classes = ["bad", "good"]
metric = "acc"
[tasks.sts]

[base.optim]
learning_rat = 1e-4
weight_decay = "much"
[base.budget]
examples = -1

[stop]
hours = -3

[space]
"optim.warmup_fractoin" = [0.0, 0.1]
"heads.mood.layers" = { low = 1, hihg = 3 }
"""


def test_mistakes_of_all_tables_are_reported_at_once(tmp_path: Path) -> None:
    lines = message(tmp_path, ALL_WRONG).splitlines()
    assert [line.split(": ")[1] for line in lines] == [
        "trails",
        "workers",
        "sampler.n_startup",
        "pruner",
        "tasks.mood.kind",
        "base.optim.learning_rat",
        "base.optim.weight_decay",
        "base.budget.examples",
        "stop.hours",
        'space."optim.warmup_fractoin"',
        'space."heads.mood.layers".hihg',
    ]
    assert "did you mean 'classify'?" in lines[4]


def test_a_mistake_causes_no_others(tmp_path: Path) -> None:
    """Settings that depend on a wrong one are not judged by the default that replaces it."""
    text = MINIMAL.replace(
        "trials = 12", 'pruner = { name = "halving", skip = 3 }\nfloors = { sst = { score = 0.4, from = 90000 } }'
    )
    text = text.replace("[space]", '[base.budget]\nexamples = "many"\n[space]')
    assert message(tmp_path, text) == "study.toml:9: base.budget.examples: must be a whole number, got 'many'"


def test_mistakes_of_a_comparison_are_reported_at_once(tmp_path: Path) -> None:
    text = (
        'tasks = ["sst"]\n[base.optim]\nlearning_rat = 1\n[variants.a]\noptim.clip_norm = "x"\n'
        '[variants.b]\npreset = "nope"\n'
    )
    assert [line.partition(" ")[0] for line in message(tmp_path, text).splitlines()] == [
        "study.toml:3:",
        "study.toml:5:",
        "study.toml:6:",
    ]
