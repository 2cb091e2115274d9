"""The studies that re-run the reports' tables: what they compare is what differs, and every row of them trains."""

from __future__ import annotations

import csv
import math
import re
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.config import RunConfig
from core.inputs.resources import Resources
from core.run.run_folder import RunFolder
from core.run_observer import NullRunObserver
from core.trainer import RunOutcome, train
from data.synthetic.corpus import write_corpus
from search.space.paths import differing_paths
from search.space.random_draws import RandomDraws
from search.space.variants import VARIANT
from search.study.file import load_study
from search.study.first_trials import DEFAULT
from search.study.lookup import list_studies
from tests.search.study.comparison_texts import PRESETS

OF_A_PAIR = {f"heads.{task}.{setting}" for task in ("para", "sts") for setting in ("pair", "combine")}
SIZES = {"tasks.sst.batch_size", "tasks.para.batch_size", "tasks.sts.batch_size"}

# Everything in which rows of a table differ.
ABOUT = {
    "cooking-ladder": {
        "model.freeze",
        "heads.sts.output",
        "budget.batch_size",
        "heads.para.pair",
        "heads.para.combine",
        "heads.para.layers",
        "heads.para.side_layers",
        "heads.para.loss",
        "gradients.rule",
        "augmentation.sst.original",
        "augmentation.sst.eda.fraction",
    },
    "build-extend-encoders": {"model.encoders", "gradients.rule"},
    "build-extend-lora": {
        "lora.rank",
        "optim.learning_rate",
        "pretraining.mnrl.lora",
        "pretraining.mnrl.learning_rate",
    },
    "build-extend-pretraining": {
        "pretraining.mnrl.examples",
        "pretraining.cosine_pairs.examples",
        "heads.sts.loss",
    },
    "contrastive-orders": {
        "sampler.order",
        "sampler.alpha",
        "optim.accumulate",
        "gradients.rule",
        "tasks.sst.train_limit",
        "tasks.para.train_limit",
    },
    "contrastive-sts-loss": {"heads.sts.output"},
    "contrastive-pairs": {*OF_A_PAIR, "sampler.order"},
    "contrastive-simcse": {*OF_A_PAIR, "pretraining.simcse.examples"},
    "contrastive-smart": {"smart.weight.sst", "smart.weight.para", "smart.weight.sts", "sampler.order"},
    "multi-extended-smart": {"smart.weight.sst"},
    "multi-extended-lora": {"lora.rank", "lora.dropout", "optim.learning_rate"},
    "multi-extended-tasks": {"model.encoders"},
    "multi-extended-ladder": {
        *OF_A_PAIR,
        *SIZES,
        "heads.sts.side_layers",
        "heads.sts.output",
        "pretraining.nli.examples",
        "augmentation.sst.eda.fraction",
        "smart.weight.sst",
        "loss.weights.sst",
        "loss.taper.sst",
        "loss.taper.sts",
    },
    "multi-extended-batches": SIZES,
}
WHOLE_SYSTEMS = "papers"

# A row that is a report's final system, and where it is not the same system in the study of all of them: para's size,
# which leaves further pairs to those that use them, what the file says of it, and settings that do nothing in this row.
FINAL_SYSTEMS = [
    (
        "cooking-ladder",
        "batch-16",
        "cooking",
        ("tasks.para.train_limit", "optim.head_learning_rate", "gradients.anchor", "augmentation.sst.eda."),
    ),
    ("contrastive-smart", "5-3-3", "contrastive", ("tasks.para.train_limit",)),
    (
        "multi-extended-ladder",
        "batches",
        "multi-extended",
        ("tasks.para.train_limit", "augmentation.sst.rephrased."),
    ),
]


@cache
def rows(study: str) -> dict[str, RunConfig]:
    """Return every configuration of a comparison with its first seed, in order."""
    spec = load_study(study, studies_dir=Path("none"))
    return {
        str(trial.params[VARIANT]): spec.space.suggest(RandomDraws(np.random.default_rng(0), trial.params), spec.base)
        for trial in spec.first_trials
        if trial.params["seed"] == spec.first_trials[0].params["seed"]
    }


def test_every_comparison_that_comes_along_is_here() -> None:
    found = set()
    for name in list_studies(Path("none")):
        spec = load_study(name, studies_dir=Path("none"))
        if {VARIANT, "seed"} & {dimension.path for dimension in spec.space.dimensions}:
            found.add(name)
    assert found == {*ABOUT, WHOLE_SYSTEMS, "papers-full"}


@pytest.mark.parametrize("study", ABOUT)
def test_what_a_table_compares_is_what_differs(study: str) -> None:
    assert set(differing_paths(list(rows(study).values()))) == ABOUT[study]


@pytest.mark.parametrize("study", [*ABOUT, WHOLE_SYSTEMS, "papers-full"])
def test_every_row_has_two_seeds_and_the_first_is_the_reference(study: str) -> None:
    spec = load_study(study, studies_dir=Path("none"))
    assert [trial.params for trial in spec.first_trials] == [
        {VARIANT: name, "seed": seed} for seed, name in product((0, 1), rows(study))
    ]
    assert spec.first_trials[0].role == DEFAULT
    assert spec.trials == len(spec.first_trials), "nothing is left to chance"
    assert spec.base == next(iter(rows(study).values()))


@pytest.mark.parametrize("study", ABOUT)
def test_a_table_is_short_and_scored_alike(study: str) -> None:
    spec = load_study(study, studies_dir=Path("none"))
    base = spec.base
    assert (base.model.encoder, base.model.max_length) == ("minilm", 64)
    assert 3000 <= base.budget.examples <= 6000
    assert base.rungs == (base.budget.examples // 2, base.budget.examples)
    assert "para" not in base.tasks or base.tasks["para"].dev_limit == 500


@pytest.mark.parametrize("file", ["studies/cooking-ladder.toml", "docs/ensembles.md"])
def test_the_ensemble_of_the_ladder_names_its_rows(file: str) -> None:
    text = (Path(__file__).parents[3] / file).read_text(encoding="utf-8")
    names = list(rows("cooking-ladder"))
    first, second = names.index("batch-16"), names.index("copies-alone")
    assert f"trials {first} and {second}" in text
    (options,) = re.findall(r"search\.ensemble --study cooking-ladder (.*) --dev-only", text)
    assert sorted(options.split()) == sorted(f"--trials {first} --of sst={first},{second}".split())


@pytest.mark.parametrize(("study", "row", "system", "otherwise"), FINAL_SYSTEMS)
def test_a_final_system_is_its_preset(study: str, row: str, system: str, otherwise: tuple[str, ...]) -> None:
    different = differing_paths([rows(study)[row], rows(WHOLE_SYSTEMS)[system]])
    assert [path for path in different if not path.startswith(otherwise)] == []


@dataclass(frozen=True)
class Course:
    """A folder with the tasks' files and SICK, both tiny: what a study may read."""

    folder: Path
    resources: Resources

    def cut(self, config: RunConfig) -> RunConfig:
        """Return the run in small: some updates of a tiny encoder, with every technique that it has."""
        tree = config.model_dump()
        tree["model"] |= {"encoder": "scratch", "scratch": SCRATCH, "max_length": 32}
        tree["data"]["directory"] = str(self.folder)
        tree["budget"] |= {"examples": 240, "epochs": 2}
        tree["eval"] = {"rungs": 1, "train_examples": 0}
        tree["compute"] = {"device": "cpu"}
        for task in tree["tasks"].values():
            task["dev_limit"] = 20
            task["train_limit"] = task["train_limit"] and 100
        for stage in tree["pretraining"].values():
            if stage.get("examples"):
                stage |= {"examples": 32, "batch_size": 16}
        return RunConfig.model_validate(tree)


SCRATCH = {"vocab_size": 400, "hidden_size": 16, "intermediate_size": 32}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    folder = tmp_path_factory.mktemp("course")
    # Sizes of their own, that sampling by size be something.
    write_corpus(folder, train={"sst": 120, "para": 600, "sts": 80}, dev=40, test=20, seed=1)
    with (folder / "sick2014.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow(["pair_ID", "sentence_A", "sentence_B", "entailment_label"])
        for number, (who, what) in enumerate(product(("child", "guy", "doctor", "robber"), ("car", "bag", "phone"))):
            label = ("ENTAILMENT", "NEUTRAL", "CONTRADICTION")[number % 3]
            writer.writerow([number, f"the {who} will find the {what}", f"the {what} will be found", label])
    return Course(folder, Resources(tmp_path_factory.mktemp("cache")))


def trained(course: Course, config: RunConfig, folder: Path) -> dict[str, Any]:
    """Train the run, and return its score and weights."""
    assert train(config, folder, course.resources, NullRunObserver()) == RunOutcome.FINISHED
    (evaluation,) = RunFolder(folder).read_metrics()
    assert evaluation.step >= 3
    assert all(map(math.isfinite, evaluation.train_loss.values()))
    return {"overall": evaluation.overall, "weights": (folder / "best" / "model.safetensors").read_bytes()}


@pytest.mark.filterwarnings("ignore:.*the correlation counts as 0")
@pytest.mark.parametrize("study", [*ABOUT, WHOLE_SYSTEMS])
def test_every_row_trains_and_none_is_another_one(study: str, course: Course, tmp_path: Path) -> None:
    weights: dict[bytes, str] = {}
    for row, config in rows(study).items():
        left = trained(course, course.cut(config), tmp_path / row)
        assert 0 <= left["overall"] <= 1
        if config.model.encoders == "shared":  # weights of several encoders have other names
            same = weights.setdefault(left["weights"], row)
            assert same == row, f"'{row}' trained the very weights of '{same}'"


def test_the_packaged_comparison_of_the_reports() -> None:
    spec = load_study("papers", data="/nowhere")
    assert spec.space.describe()[0].values == ", ".join(["baseline", *PRESETS[1:]])
    assert spec.trials == 2 * len(PRESETS)
    assert {"papers", "full"} <= set(list_studies())
