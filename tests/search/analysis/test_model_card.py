"""The model card: read back by the Hub's library, true numbers, no markup from names, and nobody's file overwritten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import ModelCard

from core.config import RunConfig
from core.model_files.card_file import kept_card_note, remove_card
from core.statistics import TaskCalibration, calibrate_task
from search.analysis.model_card import write_model_card
from tests.search.predict.conftest import SPECS

CONFUSION = [[8, 2, 0], [1, 6, 3], [0, 0, 0]]


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    tasks = {name: {"spec": SPECS[name]} for name in ("tone", "sts")}
    encoder = tmp_path / "private" / "my-encoder"
    return RunConfig.model_validate({"model": {"encoder": str(encoder), "max_length": 40}, "tasks": tasks})


def provenance(**more: Any) -> dict[str, Any]:
    return {
        "study": "odd <b>study</b> | x",
        "trial": 7,
        "params": {"optim.learning_rate": 2e-5},
        "seed": 3,
        "rung": 12000,
        "dev": {"overall": 0.75, "tone": 0.7, "sts": 0.6},
        "dev_metrics": {"tone": {"accuracy": 0.7}, "sts": {"rmse": 0.5, "spearman": 0.6}},
        "dev_confusion": {"tone": CONFUSION},
        "data_sha256": "ab" * 32,
        "code": "0.1.0",
        "versions": {"torch": "2"},
        "examples": {"tone": {"train": 1200, "dev": 20}, "sts": {"train": 900, "dev": 90}},
        "data_warnings": [],
        **more,
    }


def calibrations() -> dict[str, TaskCalibration]:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(3), 200)
    return {"tone": calibrate_task(SPECS["tone"], probabilities, rng.integers(0, 3, 200))}


def card_of(folder: Path, config: RunConfig, **more: Any) -> str:
    write_model_card(folder, provenance(**more), config, calibrations())
    return (folder / "README.md").read_text(encoding="utf-8")


def test_the_hub_reads_its_scores(tmp_path: Path, config: RunConfig) -> None:
    card_of(tmp_path, config)
    data = ModelCard.load(tmp_path / "README.md").data
    found = {one.dataset_name: (one.metric_type, one.metric_value, one.dataset_split) for one in data.eval_results}
    assert found == {"tone": ("accuracy", 0.7, "dev"), "sts": ("pearson", 0.6, "dev")}
    assert (data.library_name, data.pipeline_tag, data.model_name) == (
        "onebert",
        "text-classification",
        provenance()["study"],
    )


def test_what_it_says(tmp_path: Path, config: RunConfig) -> None:
    text = card_of(tmp_path, config)
    assert '| tone | body | good, really, so "so", bad worse | 1,200 train, 20 dev |' in text
    assert "a score from 0 to 5" in text
    assert '| good, really | 10 | 0.800 | 0.889 | so "so" (2) |' in text
    assert "| bad worse | 0 | none | 0.000 |  |" in text
    assert "rmse 0.5000" in text
    assert "Calibration of tone: ECE 0." in text
    assert "| optim.learning\\_rate | 2e-05 |" in text
    assert "cut after 40 tokens" in text
    assert "No dev or test sentence is, word by word, in the training data" in text
    assert "| overall | mean, 0 to 1 | 0.7500 | unknown |" in text


def test_what_is_expected_on_new_data(tmp_path: Path, config: RunConfig) -> None:
    one = {"dev": 0.7, "expected": 0.68, "low": 0.61, "high": 0.75}
    expected = {
        "overall": one,
        "tone": one,
        "sts": one,
        "selected_from": {"trials": 9, "checkpoints": 9},
        "resamples": 500,
    }
    text = card_of(tmp_path, config, expected=expected)
    assert "| tone | accuracy | 0.7000 | 0.6800 (0.6100 to 0.7500) |" in text
    assert "out of 9 trials" in text
    assert "500 resamples" in text


def test_names_are_no_markup_and_folders_of_this_machine_stay_here(tmp_path: Path, config: RunConfig) -> None:
    leak = f"tone: 2 of 20 distinct dev sentences are also in train of {config.data.directory}/tone.csv"
    text = card_of(tmp_path, config, data_warnings=[leak])
    assert "# odd \\<b\\>study\\</b\\> \\| x" in text
    assert "- Encoder: my-encoder" in text
    assert str(tmp_path) not in text
    assert "are also in train of tone.csv" in text
    assert "No dev or test sentence" not in text


def test_an_ensemble_and_other_formats(tmp_path: Path, config: RunConfig) -> None:
    members = [{"trial": 4}, {"trial": 9}]
    text = card_of(
        tmp_path,
        config,
        members=members,
        method="averaged predictions",
        formats={"written": {"tone": "transformers", "onnx": "onnx"}},
    )
    assert "Averaged predictions of trials 4, 9" in text
    assert "| tone | transformers, task tone |" in text
    assert "| onnx | ONNX Runtime, all tasks |" in text


def test_folds(tmp_path: Path, config: RunConfig) -> None:
    assert "by the one of 5 models that had not seen it" in card_of(tmp_path, config, folds=5)


def test_the_licence_is_that_of_the_encoder(tmp_path: Path, config: RunConfig) -> None:
    encoder = Path(config.model.encoder)
    encoder.mkdir(parents=True)
    assert "not stated in its folder" in card_of(tmp_path, config)
    (encoder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Encoder\n")
    assert "Licence of the encoder: apache-2.0" in card_of(tmp_path, config)
    assert ModelCard.load(tmp_path / "README.md").data.license == "apache-2.0"


def test_a_card_of_the_user_stays(tmp_path: Path, config: RunConfig) -> None:
    (tmp_path / "README.md").write_text("mine")
    assert card_of(tmp_path, config) == "mine"
    assert kept_card_note(tmp_path) == [
        f"{tmp_path / 'README.md'} is yours and was kept; it may describe an earlier model."
    ]
    remove_card(tmp_path)
    assert (tmp_path / "README.md").read_text() == "mine"
    (tmp_path / "README.md").unlink()
    card_of(tmp_path, config)
    assert kept_card_note(tmp_path) == []
    remove_card(tmp_path)
    assert not (tmp_path / "README.md").exists()
