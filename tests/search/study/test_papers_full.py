"""The systems of the reports at full size: a BERT of base size with random weights trains one rung of each."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel

from core.config import RunConfig
from core.inputs.resources import Resources
from core.run.run_folder import RunFolder
from core.run_observer import NullRunObserver
from core.trainer import RunOutcome, train
from data.synthetic.corpus import write_corpus
from data.vocabulary import SPECIAL_TOKENS
from search.study.file import load_study
from tests.search.study.comparison_texts import PRESETS
from tests.search.study.test_table_studies import rows

STUDY = "papers-full"
BASE_SIZE = 109_482_240  # parameters of bert-base-uncased with its pooler

Cut = Callable[[RunConfig], RunConfig]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with every file that the study reads, all of them small."""
    folder = tmp_path_factory.mktemp("data")
    write_corpus(folder, train=64, dev=8, test=8, seed=1)
    with (folder / "mnli.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow(["sentence1", "sentence2", "gold_label"])
        for number, label in enumerate(("entailment", "neutral", "contradiction") * 4):
            writer.writerow([f"a cat naps {number}", f"an animal sleeps {number}", label])
    (folder / "para-extra.csv").write_text((folder / "quora-train.csv").read_text().replace(" ", " also ", 1))
    return folder


@pytest.fixture(scope="module")
def encoder(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the shape of bert-base-uncased, random weights and a vocabulary of its size."""
    folder = tmp_path_factory.mktemp("bert-base")
    torch.manual_seed(0)
    shape = BertConfig()
    BertModel(shape).save_pretrained(folder)
    seen = {word for file in data.iterdir() for word in re.findall(r"[a-z]+", file.read_text().lower())}
    words = [*SPECIAL_TOKENS, *sorted(seen)]
    words += [f"unused{number}" for number in range(shape.vocab_size - len(words))]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    return folder


@pytest.fixture(scope="module")
def cut(data: Path, encoder: Path) -> Cut:
    """Return a function that changes only a run's length: about a batch of each task, and one rung."""

    def short(config: RunConfig) -> RunConfig:
        tree = config.model_dump()
        batches = [task["batch_size"] or tree["budget"]["batch_size"] for task in tree["tasks"].values()]
        tree["model"]["encoder"] = str(encoder)
        tree["data"]["directory"] = str(data)
        tree["budget"] |= {"examples": sum(batches), "epochs": 1}
        tree["eval"] = {"rungs": 1, "train_examples": 0}
        tree["compute"] = {"device": "cpu", "threads": torch.get_num_threads()}
        tree["augmentation"]["sst"]["rephrased"]["fraction"] = 0.0  # the answers of a language model
        for task in tree["tasks"].values():
            task["train_limit"] = task["train_limit"] and 48
        for stage in tree["pretraining"].values():
            if stage.get("examples"):
                stage["examples"] = stage["batch_size"]
        return RunConfig.model_validate(tree)

    return short


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*the correlation counts as 0")
@pytest.mark.parametrize("system", PRESETS)
def test_a_system_of_full_size_trains_one_rung(system: str, cut: Cut, tmp_path: Path) -> None:
    config = cut(rows(STUDY)[system])
    assert train(config, tmp_path / "run", Resources(tmp_path / "cache"), NullRunObserver()) == RunOutcome.FINISHED
    (evaluation,) = RunFolder(tmp_path / "run").read_metrics()
    assert set(evaluation.scores) == {"sst", "para", "sts"}
    encoders = 3 if config.model.encoders == "per-task" else 1
    assert evaluation.cost.parameters >= encoders * BASE_SIZE


def test_every_system_has_its_own_length_and_rate() -> None:
    spec = load_study(STUDY, studies_dir=Path("none"))
    systems = rows(STUDY)
    assert tuple(systems) == PRESETS
    assert spec.base.model.encoder == "bert-base-uncased"
    for name, config in systems.items():
        assert len(config.rungs) == 5
        assert config.rungs[-1] == config.budget.examples, name
    assert len({config.budget.examples for config in systems.values()}) >= 8
    assert {config.optim.learning_rate for config in systems.values()} == {1e-3, 1e-5}
