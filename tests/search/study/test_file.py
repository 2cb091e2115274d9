"""Study files: what they give, and what is said about mistakes in them."""

import json
import os
import re
from pathlib import Path

import pytest

from data.augmentation.rephrasing.endpoint_settings import EndpointSettings
from data.errors import UserError
from search.space.feasibility import try_space
from search.study.file import load_study
from search.study.lookup import list_studies
from search.study.spec import SyntheticSpec

MINIMAL = """\
tasks = ["sst", "para", "sts"]
trials = 12

[base.model]
encoder = "minilm"

[space]
"optim.learning_rate" = { low = 1e-5, high = 1e-3, log = true }
"""


def write(folder: Path, text: str, name: str = "study") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def message(folder: Path, text: str) -> str:
    """What is said about a study file of this text, from the file's name on."""
    path = write(folder, text)
    with pytest.raises(UserError) as caught:
        load_study(path)
    return str(caught.value).replace(f"{folder}{os.sep}", "")


def with_space(line: str, base: str = "") -> str:
    """A study that searches over this; the line stands at line 5 when base is empty."""
    return f'tasks = ["sst", "para", "sts"]\ntrials = 12\n{base}\n[space]\n{line}\n'


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
    summary = spec.summary()
    assert (summary.trials, summary.examples_per_trial, summary.rungs) == (20, 20_000, (100, 200, 20_000))
    assert summary.pruner == "halving (reduction_factor = 2)"
    assert [row.path for row in summary.rows][-1] == "loss.weights"


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


def test_a_name_that_is_no_folder_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^name must be letters, digits, '_', '-' and '.' only, got '../x'$"):
        load_study(write(tmp_path, MINIMAL), name="../x")


@pytest.mark.parametrize("option", ["trials", "workers", "threads"])
def test_overrides_below_one_are_refused(tmp_path: Path, option: str) -> None:
    with pytest.raises(UserError, match=f"^{option} must be at least 1, got 0$"):
        load_study(write(tmp_path, MINIMAL), **{option: 0})  # type: ignore[arg-type]


def test_names_are_looked_up_among_ones_own_first(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL, "quickstart")
    write(tmp_path, MINIMAL, "mine")
    assert load_study("quickstart", studies_dir=tmp_path).source == tmp_path / "quickstart.toml"
    assert load_study("mine", studies_dir=tmp_path).name == "mine"
    assert load_study("starter", studies_dir=tmp_path).name == "starter"
    assert set(list_studies(tmp_path)) >= {"quickstart", "mine", "starter"}


def test_unknown_studies_are_met_with_the_known_ones(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL, "mine")
    with pytest.raises(UserError) as caught:
        load_study("quikstart", studies_dir=tmp_path)
    said, known = str(caught.value).split(" Known: ")
    assert said == "no study 'quikstart'; did you mean 'quickstart'?"
    assert known.startswith(", ".join(sorted(list_studies(tmp_path))))
    assert {"mine", "quickstart"} < set(list_studies(tmp_path))
    with pytest.raises(UserError, match=r"^no/such.toml: no such study file$"):
        load_study("no/such.toml")
    bad = write(tmp_path, MINIMAL, "my study")
    with pytest.raises(UserError, match=r"use letters, digits, '_', '-' and '.' only, got 'my study'$"):
        load_study(bad)


@pytest.mark.parametrize("name", ["quickstart", "starter"])
def test_packaged_studies_are_valid_and_hold_their_own_base(name: str, tmp_path: Path) -> None:
    spec = load_study(name, studies_dir=tmp_path)
    encoding = spec.space.encode(spec.base)
    assert encoding.notes == ()
    assert spec.trials >= 12
    assert len(spec.base.rungs) >= 4
    assert spec.description


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


TOP_LEVEL = [
    ("trials = = 3", "study.toml:1: not TOML: Invalid value (column 10)"),
    ('tasks = ["sst"', "study.toml:1: not TOML: Unclosed array (at end of document)"),
    (MINIMAL + "low = ", "study.toml:9: not TOML: Invalid value (at end of document)"),
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
    ("trials = 3\n[space]\n", "study.toml: tasks: is missing"),
    ('tasks = ["sst"]\n', "study.toml: space: is missing; give [space] to search, or [variants.NAME] to compare"),
    (
        'tasks = ["sst"]\n[space]\n',
        'study.toml:2: space: is empty; give at least one setting, for example "optim.learning_rate"',
    ),
    ("tasks = 3\n[space]", "study.toml:1: tasks: must be a list of names, or tables [tasks.NAME]"),
    ("tasks = [3]\n[space]", "study.toml:1: tasks: must be a list of names, or tables [tasks.NAME]"),
    ("tasks = []\n[space]", "study.toml:1: tasks: is empty; name at least one task"),
    ('tasks = ["sst", "sst"]\n[space]', "study.toml:1: tasks: 'sst' stands twice"),
    (
        'tasks = ["stss"]\n[space]',
        "study.toml:1: tasks: no task 'stss'; did you mean 'sts'? Known: sst, para, sts, cfimdb",
    ),
    (
        '[tasks.sts]\nkind = "classify"\nclasses = ["a", "b"]\nmetric = "f1"\nfiles = { train = "a", dev = "b" }\n'
        'columns = { sentences = ["s"], label = "l" }\n[space]',
        "study.toml:1: tasks: task 'sts' is there already; choose another name",
    ),
    (MINIMAL + "[synthetic]\ntrian = 3\n", "study.toml:10: synthetic.trian: unknown key; did you mean 'train'?"),
    (MINIMAL + "[synthetic]\ndev = 1\n", "study.toml:10: synthetic.dev: must be at least 2, got 1"),
    (
        MINIMAL.replace('"para"', '"cfimdb"') + "[synthetic]\n",
        "study.toml:9: synthetic: a corpus can be generated for sst, para, sts, not for 'cfimdb'",
    ),
    (MINIMAL + "[endpoint]\nattempts = 3\n", "study.toml:9: endpoint.base_url: is missing"),
    (
        MINIMAL + '[endpoint]\nbase_url = "http://host/v1"\nkey_variable = "sk-1"\n',
        "study.toml:11: endpoint.key_variable: must be the name of an environment variable, not the key itself",
    ),
    (
        MINIMAL + '[endpoint]\nbase_url = "http://host/v1"\napi_key = "sk-1"\n',
        "study.toml:11: endpoint.api_key: unknown key; known: " + ", ".join(EndpointSettings.model_fields),
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
    (
        'tasks = ["sst"]\ntrials = 9\nsampler = "grid"\n[space]\n"sampler.alpha" = { low = 0, high = 1, step = 0.25 }',
        "study.toml:2: trials: the grid has 5 points, and 9 trials would repeat some",
    ),
]


@pytest.mark.parametrize(("text", "expected"), TOP_LEVEL)
def test_mistakes_at_the_top(tmp_path: Path, text: str, expected: str) -> None:
    assert message(tmp_path, text) == expected


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
    ("[base.eval]\nrungs = [5, 3]", "4: base.eval.rungs: must rise from at least 1, got [5, 3]"),
    ("[base.tasks.sst]\nspec = 3", "4: base.tasks.sst.spec: describe a task under [tasks.NAME], not in the base"),
    (
        "[base.heads.sst]\npair = 'siamese'",
        "4: base.heads.sst.pair: 'siamese': task 'sst' reads one sentence, not a pair",
    ),
    ("[base.heads.sst]\nclass_weights = [1.0, 2.0]", "4: base.heads.sst.class_weights: has 2 weights for 5 classes"),
    (
        "[base.heads.sts]\nloss = 'pearson'\n[base.tasks.sts]\nbatch_size = 2",
        "4: base.heads.sts.loss: the Pearson loss needs batches of at least 3 examples (8 and more work well), got 2: "
        "two points always correlate",
    ),
    ("[base.loss.weights]\nsst=0\npara=0\nsts=0", "3: base.loss.weights: at least one task needs a weight above 0"),
    (
        "[base.swa]\nstart = 0.5\n[base.optim]\nema = 0.9",
        "4: base.swa.start: swa.start and optim.ema both say which average of the weights is scored; keep one of them",
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


RATE = '"optim.learning_rate" = '
KEY = 'space."optim.learning_rate"'
ALONE = "a single value needs a condition (when) here; without one, set it under [base]"
SPACE = [
    (
        '"optim.learning_rat" = { low = 1e-5, high = 1e-3 }',
        "space.\"optim.learning_rat\": no such setting of a run; did you mean 'optim.learning_rate'?",
    ),
    (
        '"learning_rate" = { low = 1e-5, high = 1e-3 }',
        "space.learning_rate: no such setting of a run; did you mean 'optim.learning_rate'?",
    ),
    (
        '"heads.sst.lyers" = { low = 1, high = 3 }',
        "space.\"heads.sst.lyers\": no such setting of a run; did you mean 'heads.sst.layers'?",
    ),
    (
        "optim.learning_rate = { low = 1e-5, high = 1e-3 }",
        'space.optim: write the whole path in quotes: "optim.learning_rate" = ...',
    ),
    (RATE + "{ low = 1e-3, high = 1e-5 }", f"{KEY}.low: must be below high = 1e-05, got 0.001"),
    (RATE + "{ low = 1e-3, high = 1e-3 }", f"{KEY}.low: must be below high = 0.001, got 0.001"),
    (RATE + "{ low = 1e-3 }", f"{KEY}: needs high; give low and high, or choices"),
    (RATE + "{ low = 1e-5, hihg = 1e-3 }", f"{KEY}.hihg: unknown key; did you mean 'high'?"),
    (RATE + "{ low = 1e-5, high = 2.0 }", f"{KEY}.high: must be at most 1, got 2"),
    (RATE + "{ low = 0.0, high = 0.1 }", f"{KEY}.low: must be above 0, got 0"),
    (RATE + "{ low = 0.0, high = 0.1, log = true }", f"{KEY}.low: must be above 0 with log = true, got 0"),
    (RATE + "{ low = 1e-5, high = 0.1, log = 1 }", f"{KEY}.log: must be true or false, got 1"),
    (RATE + "{ low = '1e-5', high = 0.1 }", f"{KEY}.low: must be a number, got '1e-5'"),
    (RATE + "{ low = -inf, high = 0.1 }", f"{KEY}.low: must be a finite number, got -inf"),
    (
        RATE + "{ low = 0.1, high = 0.5, step = 0.15 }",
        f"{KEY}.step: 0.15 does not divide the range from low = 0.1 to high = 0.5; the nearest values are 0.4 and 0.55",
    ),
    (RATE + "{ low = 0.1, high = 0.5, step = 0 }", f"{KEY}.step: must be above 0, got 0"),
    (
        RATE + "{ low = 0.1, high = 0.5, step = 0.1, log = true }",
        f"{KEY}.step: cannot be combined with log = true, got 0.1",
    ),
    (RATE + "[1e-3]", f"{KEY}.choices: must contain at least two different values, each once, got [0.001]"),
    (
        RATE + "[1e-3, 1e-3]",
        f"{KEY}.choices: must contain at least two different values, each once, got [0.001, 0.001]",
    ),
    (RATE + "[1e-3, 'a']", f"{KEY}.choices: must be a number, got 'a'"),
    (RATE + "[1e-3, 2]", f"{KEY}.choices: must be at most 1, got 2"),
    (RATE + "{ choices = 1e-3 }", f"{KEY}.choices: must be a list, got 0.001"),
    (RATE + "{ choices = [1e-3, 1e-4], low = 1e-5 }", f"{KEY}.low: cannot be combined with choices"),
    (
        RATE + "1e-3",
        f"{KEY}: must be a table with low and high, or a list of choices, got 0.001; set a single value under [base]",
    ),
    (RATE + "{ simplex = true }", f'{KEY}.simplex: shares of tasks are searched under "loss.weights" only'),
    ('"heads.sst.layers" = { low = 1, high = 2.5 }', 'space."heads.sst.layers".high: must be a whole number, got 2.5'),
    ('"heads.sst.layers" = { low = 0, high = 3 }', 'space."heads.sst.layers".low: must be at least 1, got 0'),
    (
        '"heads.sst.layers" = { low = 1, high = 4, step = 2 }',
        'space."heads.sst.layers".step: 2 does not divide the range from low = 1 to high = 4; '
        "the nearest values are 3 and 5",
    ),
    (
        '"heads.sst.pooling" = { low = 0, high = 3 }',
        'space."heads.sst.pooling": this setting is not a number; give choices = [...], for example '
        "cls, pooler, mean, max",
    ),
    (
        '"heads.sst.pooling" = ["cls", "men"]',
        "space.\"heads.sst.pooling\".choices: must be one of cls, pooler, mean, max, got 'men'; did you mean 'mean'?",
    ),
    (
        '"eval.rungs" = [3, 5]',
        'space."eval.rungs": cannot be searched: all trials are scored at the same positions; set it under [base]',
    ),
    (
        '"budget.examples" = [3, 5]',
        'space."budget.examples": cannot be searched: all trials are scored at the same positions; set it under [base]',
    ),
    (
        '"tasks.sst.score_weight" = [1.0, 2.0]',
        'space."tasks.sst.score_weight": cannot be searched: it changes what the score means; set it under [base]',
    ),
    (
        '"model.scratch.layers" = [1, 2]',
        'space."model.scratch.layers": can be searched only if the base has [base.model.scratch]',
    ),
    (
        '"heads.sts.combine" = ["uv", "uv-diff"]',
        'space."heads.sts.combine".choices: uv is not allowed here: '
        "heads.sts.combine = 'uv' is for siamese pairs, got pair = 'cross'",  # no condition would help
    ),
    ('"heads.sst.layers" = { value = 2 }', f'space."heads.sst.layers".value: {ALONE}'),
    (
        '"heads.sst.layers" = { value = 2, low = 1, when = { "heads.sst.pooling" = "cls" } }',
        'space."heads.sst.layers".low: cannot be combined with value',
    ),
    (
        '"heads.sst.layers" = { value = 0, when = { "heads.sst.pooling" = "cls" } }\n"optim.warmup" = [0.0, 0.1]',
        'space."heads.sst.layers".value: must be at least 1, got 0',
    ),
    (
        '"heads.sst.layers" = { value = "two", when = { "heads.sst.pooling" = "cls" } }',
        "space.\"heads.sst.layers\".value: must be a whole number, got 'two'",
    ),
    (
        '"heads.sst.class_weights" = { value = [1, 1, 1, 1, 2], when = { "heads.sst.pooling" = "cls" } }',
        'space."heads.sst.class_weights": this setting cannot be searched; set it under [base]',
    ),
    (
        '"heads.sst.pooling" = { choices = ["mean"], when = { "heads.sst.layers" = 1 } }',
        'space."heads.sst.pooling".choices: must contain at least two different values; for one, write value = "mean"',
    ),
]
CONDITIONS = [
    ("{ alpha = 1 }", ".alpha: no such setting of a run; did you mean 'lora.alpha'?"),
    ("{ 'heads.sst.lyers' = 1 }", ".\"heads.sst.lyers\": no such setting of a run; did you mean 'heads.sst.layers'?"),
    (
        "{ 'heads.sst.layers' = { abov = 1 } }",
        ".\"heads.sst.layers\".abov: unknown key; did you mean 'above'?",
    ),
    ("{ 'heads.sst.layers' = { above = 3, below = 1 } }", '."heads.sst.layers": above = 3 must be less than below = 1'),
    ("{ 'heads.sst.layers' = {} }", '."heads.sst.layers": is empty'),
    ("{ 'heads.sst.layers' = [] }", '."heads.sst.layers": must hold at least one value, got an empty list'),
    ("{ 'heads.sst.layers' = 'two' }", ".\"heads.sst.layers\": must be a whole number, got 'two'"),
    (
        "{ 'heads.sst.pooling' = { above = 1 } }",
        '."heads.sst.pooling": above and below compare numbers; this setting is one of cls, pooler, mean, max',
    ),
    (
        "{ 'heads.sst.layers' = { above = 3 } }",
        '."heads.sst.layers": can never hold: heads.sst.layers is searched over 1 .. 3',
    ),
    ("{ 'heads.para.layers' = 2 }", '."heads.para.layers": can never hold: heads.para.layers is 1 in every trial'),
    ("{ 'optim.learning_rate' = 0.1 }", ": the conditions depend on each other in a circle: optim.learning_rate"),
    ("3", ": must be a table of settings and what they must be, got 3"),
]
SIMPLEX = [
    ("{ simplex = ['sst'] }", ": a simplex needs at least two different tasks, got ['sst']"),
    ("{ simplex = ['sst', 'stss'] }", ".simplex: no such task in this study: 'stss'; did you mean 'sts'?"),
    ("{ simplex = 'all' }", ".simplex: must be true, or a list of the study's tasks, got all"),
    ("{ simplex = false }", ".simplex: must be true, or a list of the study's tasks, got false"),
    ("{ simplex = true, min = 0.4 }", ": min must be at least 0 and below 1/3, got 0.4"),
    ("{ simplex = true, min = 'a' }", ".min: must be a number, got 'a'"),
    ("{ simplex = true, min = { sst = 'a' } }", ".min.sst: must be a number, got 'a'"),
    (
        "{ simplex = true, min = { sts = 0.1, sat = 0.2 } }",
        ".min.sat: is not one of the tasks that share: sst, para, sts",
    ),
    (
        "{ simplex = true, min = { sst = 0.7, para = 0.5 } }",
        ": min must be at least 0 for each task and below 1 together, got 0.7 + 0.5 + 0",
    ),
    ("{ simplex = true, mni = 0.1 }", ".mni: unknown key; did you mean 'min'?"),
]


@pytest.mark.parametrize(("line", "expected"), SPACE)
def test_mistakes_in_the_space(tmp_path: Path, line: str, expected: str) -> None:
    assert message(tmp_path, with_space(line)) == f"study.toml:5: {expected}"


@pytest.mark.parametrize(("when", "expected"), CONDITIONS)
def test_mistakes_in_conditions(tmp_path: Path, when: str, expected: str) -> None:
    line = f'{RATE}{{ low = 0.1, high = 0.2, when = {when} }}\n"heads.sst.layers" = {{ low = 1, high = 3 }}'
    assert message(tmp_path, with_space(line)) == f"study.toml:5: {KEY}.when{expected}"


@pytest.mark.parametrize(("table", "expected"), SIMPLEX)
def test_mistakes_in_a_simplex(tmp_path: Path, table: str, expected: str) -> None:
    assert message(tmp_path, with_space(f'"loss.weights" = {table}')) == f'study.toml:5: space."loss.weights"{expected}'


def test_a_simplex_of_one_task_or_of_nothing_is_refused(tmp_path: Path) -> None:
    one = 'tasks = ["sst"]\n[space]\n"loss.weights" = { simplex = true }\n'
    expected = "study.toml:3: space.\"loss.weights\": a simplex needs at least two different tasks, got ['sst']"
    assert message(tmp_path, one) == expected
    zero = with_space('"loss.weights" = { simplex = ["sst", "sts"] }', "[base.loss.weights]\nsst = 0\nsts = 0\n")
    assert message(tmp_path, zero) == (
        'study.toml:8: space."loss.weights": sst, sts have no loss weight to share: base.loss.weights is 0 for each'
    )


def test_a_weight_is_searched_once(tmp_path: Path) -> None:
    line = '"loss.weights" = { simplex = ["sst", "sts"] }\n"loss.weights.{}" = {{ low = 0.1, high = 1.0 }}'
    para = with_space(line.replace("{}", "para").replace("{{", "{").replace("}}", "}"))
    assert load_study(write(tmp_path, para)).trials == 12
    sst = with_space(line.replace("{}", "sst").replace("{{", "{").replace("}}", "}"))
    assert message(tmp_path, sst) == (
        'study.toml:6: space."loss.weights.sst": is already searched as a part of "loss.weights"; keep one'
    )


def test_conditions_in_a_circle_are_named(tmp_path: Path) -> None:
    line = (
        '"heads.sst.layers" = { low = 1, high = 3, when = { "heads.sts.layers" = 2 } }\n'
        '"heads.sts.layers" = { low = 1, high = 3, when = { "heads.sst.layers" = 2 } }'
    )
    assert message(tmp_path, with_space(line)) == (
        'study.toml:5: space."heads.sst.layers".when: '
        "the conditions depend on each other in a circle: heads.sst.layers, heads.sts.layers"
    )


def test_combinations_that_make_no_run_are_found_before_the_study(tmp_path: Path) -> None:
    """'cross' alone fits the base, and with neither 'uv' nor 'uv-diff'."""
    text = with_space(
        '"heads.sts.pair" = ["cross", "siamese"]\n"heads.sts.combine" = ["uv", "uv-diff"]',
        '[base.heads.sts]\npair = "siamese"\n',
    )
    assert message(tmp_path, text) == (
        'study.toml:7: space."heads.sts.pair".choices: cross is not allowed here: '
        "heads.sts.combine = 'uv-diff' is for siamese pairs, got pair = 'cross'; "
        'a condition (when) on "heads.sts.combine" may help'
    )
    mended = text.replace(
        '["uv", "uv-diff"]', '{ choices = ["uv", "uv-diff"], when = { "heads.sts.pair" = "siamese" } }'
    )
    assert load_study(write(tmp_path, mended)).space.has_conditions


def examples_under(heading: str, text: str) -> list[str]:
    """The TOML examples of a section of the page; those before the first section for no heading."""
    sections = re.split(r"^## ", text, flags=re.MULTILINE)
    (section,) = [part for part in sections[1:] if part.startswith(heading)] if heading else sections[:1]
    return re.findall(r"```toml\n(.*?)```", section, re.DOTALL)


def test_the_examples_of_comparisons_are_valid(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "docs" / "study-files.md").read_text(encoding="utf-8")
    preset, override = examples_under("Presets", text)
    whole, short = examples_under("Comparisons: ", text)
    (first,) = examples_under("Trials to begin with", text)
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "ours.toml").write_text(preset)
    spec = load_study(write(tmp_path, whole))
    assert spec.trials == 6
    assert spec.base.heads["sst"].layers == 2
    assert load_study(write(tmp_path, 'tasks = ["sst"]\n' + override + short)).trials == 2
    needs = examples_under("The space", text)[0]
    searched = load_study(write(tmp_path, with_space(needs + '"heads.sst.layers" = [1, 2]') + first))
    assert any("no file" in note for note in searched.notes)
    left_out = [note.split(":")[0] for note in searched.notes if note.startswith("no trial of")]
    assert left_out == ["no trial of 'cooking'", "no trial of 'wider'"], "this space does not hold them"


def test_the_examples_of_the_documentation_are_valid(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "docs" / "study-files.md").read_text(encoding="utf-8")
    (whole,), (irony,), (base,), (synthetic,), (endpoint,) = (
        examples_under(heading, text) for heading in ("", "Tasks", "The base", "A generated corpus", "A language model")
    )
    _, conditions, linked = examples_under("The space", text)
    assert load_study(write(tmp_path, whole)).base.model.encoder == "minilm"
    assert list(load_study(write(tmp_path, irony + "[space]\n'sampler.alpha' = [0.0, 1.0]")).base.tasks) == [
        "sst",
        "irony",
    ]
    table = [line for line in re.findall(r"\| `(\"[a-z._]+\" = [^`]*)`", text) if "heads.sst.layers" not in line]
    assert len(table) == 6
    space = "\n".join(["[space]", conditions, *table])
    spec = load_study(
        write(tmp_path, 'tasks = ["sst", "para", "sts"]\n' + "\n".join([base, synthetic, endpoint, space]))
    )
    assert len(spec.space.dimensions) == 5 + 6
    assert spec.base.rungs == (2500, 5000, 10000, 20000)
    assert spec.synthetic == SyntheticSpec()
    assert spec.endpoint is not None
    assert (spec.endpoint.base_url, spec.endpoint.key_variable) == ("http://localhost:11434/v1", "MY_KEY")
    rows = re.findall(r"^\| (`.*?`) \|", text.partition("## A language model")[2].partition("\n## ")[0], re.MULTILINE)
    assert set(re.findall(r"`([a-z_]+)`", " ".join(rows))) == set(EndpointSettings.model_fields)
    designs = load_study(write(tmp_path, with_space(linked)))
    heads = {run.config.heads["sts"] for run in try_space(designs.space, designs.base)}
    assert {(head.pair, head.score_output, head.combine, head.loss) for head in heads} == {
        ("cross", "sigmoid", None, None),
        ("siamese", "cos", "cos", "pearson"),
    }
    assert designs.space.encode(designs.base).notes == ()


HINTS = [
    (  # the default of the other setting does
        "[base.heads.sts]\nloss = 'mse'",
        '"heads.sts.output" = ["sigmoid", "classes"]',
        '; this may help: "heads.sts.loss" = { value = "none", when = { "heads.sts.output" = "classes" } }',
    ),
    (  # only a task's name does
        "[base.sampler]\norder = 'together'",
        '"gradients.rule" = ["sum", "anchored"]',
        '; this may help: "gradients.anchor" = { value = "sst", when = { "gradients.rule" = "anchored" } }',
    ),
    (
        "[base.model]\nencoder = 'scratch'\nscratch.layers = 4\nfreeze_layers = 2",
        '"model.scratch.layers" = [1, 4]',
        '; this may help: "model.freeze_layers" = { value = 0, when = { "model.scratch.layers" = 1 } }',
    ),
    (
        "[base.model]\nencoder = 'scratch'\nscratch.layers = 2",
        '"model.freeze_layers" = { low = 0, high = 2 }\n"model.reinit_layers" = { low = 0, high = 2 }',
        '; a condition (when) on "model.freeze_layers" may help',
    ),
]


@pytest.mark.parametrize(("base", "line", "hint"), HINTS)
def test_hints_that_help(tmp_path: Path, base: str, line: str, hint: str) -> None:
    said = message(tmp_path, with_space(line, base))
    assert said.endswith(hint)
    if (link := hint.removeprefix("; this may help: ")) != hint:
        assert load_study(write(tmp_path, with_space(f"{line}\n{link}", base))).space


NO_HINTS = [
    # nothing but another base would do
    ("[base.lora]\nrank = 4", '"model.freeze_layers" = { low = 0, high = 2 }'),
    ("[base.model]\nencoder = 'scratch'\nscratch.layers = 2", '"model.freeze_layers" = { low = 0, high = 7 }'),
    # the value that goes along is there, and is the wrong one
    (
        "",
        '"heads.sts.output" = ["sigmoid", "classes"]\n'
        '"heads.sts.loss" = { value = "pearson", when = { "heads.sts.output" = "sigmoid" } }\n'
        '"heads.sts.auxiliary_loss" = { value = "pearson", when = { "heads.sts.output" = "sigmoid" } }',
    ),
]


@pytest.mark.parametrize(("base", "line"), NO_HINTS)
def test_no_hint_where_none_helps(tmp_path: Path, base: str, line: str) -> None:
    assert "help" not in message(tmp_path, with_space(line, base))


def test_layers_that_a_scratch_encoder_lacks_are_told_at_once(tmp_path: Path) -> None:
    scratch = "[base.model]\nencoder = 'scratch'\nscratch.layers = 2"
    line = '"model.freeze_layers" = { low = 0, high = 7 }'
    assert message(tmp_path, with_space(line, scratch)) == (
        'study.toml:7: space."model.freeze_layers".high: 7 is not allowed here: '
        "model.freeze_layers = 7, but model.scratch.layers = 2"
    )
    both = with_space(f'{line.replace("7", "4")}\n"model.scratch.layers" = {{ value = 4, when = {FROZEN} }}', scratch)
    assert load_study(write(tmp_path, both)).space.describe()[1].values == "4"
    assert load_study(write(tmp_path, with_space(line))).space  # how many layers a checkpoint has is not known here


FROZEN = '{ "model.freeze_layers" = { above = 0 } }'


def test_a_space_of_linked_values_alone_is_refused(tmp_path: Path) -> None:
    line = '"heads.sst.layers" = { value = 2, when = { "heads.sst.pooling" = "cls" } }'
    assert message(tmp_path, with_space(line)) == (
        "study.toml:4: space: contains nothing to search: each of its settings has one value"
    )


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
