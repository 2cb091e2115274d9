"""Settings that the encoder does not support are found before the first trial."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from core.config import RunConfig
from core.model.bert import Bert, BertConfig
from core.model_files.bert_checkpoint import save_bert
from data.errors import UserError
from data.tokenizer import save_tokenizer
from data.vocabulary import build_wordpiece
from search.executors.base import Executor
from search.executors.messages import Checked
from search.preflight.encoder import check_encoder_fits
from search.study.file import load_study

Run = Callable[..., subprocess.CompletedProcess[str]]

STUDY = """\
tasks = ["sst", "para", "sts"]
[space]
"optim.learning_rate" = { low = 1e-5, high = 1e-3, log = true }
"model.freeze_layers" = { low = 0, high = 7 }
"model.dropout" = { low = 0.0, high = 0.2 }
"model.reinit_layers" = [0, 1]
"""


class TwoLayers:
    """An executor whose encoders have two layers; it keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[RunConfig] = []

    def check(self, configs: Sequence[RunConfig]) -> Checked:
        self.asked = list(configs)
        for number, config in enumerate(configs):
            if config.model.encoder == "no-such":
                return Checked(number, "no encoder 'no-such'")
            frozen, anew = config.model.freeze_layers, config.model.reinit_layers
            if frozen > 2:
                return Checked(number, f"model.freeze_layers = {frozen}, but the encoder has 2 layers")
            if anew and frozen + anew > 2:
                return Checked(number, f"model.freeze_layers = {frozen} and model.reinit_layers = {anew} overlap")
        return Checked(len(configs))


def refusal(folder: Path, text: str) -> str:
    path = folder / "study.toml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        check_encoder_fits(load_study(path), cast(Executor, TwoLayers()))
    return str(caught.value).replace(f"{folder}/", "")


def test_an_end_that_the_encoder_lacks_is_reported_with_its_line(tmp_path: Path) -> None:
    assert refusal(tmp_path, STUDY) == (
        'study.toml:4: space."model.freeze_layers".high: 7 is not allowed here: '
        "model.freeze_layers = 7, but the encoder has 2 layers"
    )


def test_combinations_that_the_encoder_lacks_are_found_by_draws(tmp_path: Path) -> None:
    assert refusal(tmp_path, STUDY.replace("high = 7", "high = 2")) == (
        "study.toml:2: space: some trials would fail: model.freeze_layers = 2 and model.reinit_layers = 1 overlap"
    )


def test_a_mistake_in_the_base_is_not_blamed_on_the_space(tmp_path: Path) -> None:
    base = '[base.model]\nencoder = "no-such"\n'
    assert refusal(tmp_path, STUDY.replace("[space]", f"{base}[space]")) == "no encoder 'no-such'"


def test_a_space_that_fits_is_asked_about_once_for_each_shape(tmp_path: Path) -> None:
    """Rates such as dropout are nothing to an encoder: without them only the five pairs of whole numbers differ."""
    path = tmp_path / "study.toml"
    link = '"model.reinit_layers" = { value = 1, when = { "model.freeze_layers" = { below = 2 } } }'
    path.write_text(STUDY.replace("high = 7", "high = 2").replace('"model.reinit_layers" = [0, 1]', link))
    executor = TwoLayers()
    check_encoder_fits(load_study(path), cast(Executor, executor))
    shapes = [(config.model.freeze_layers, config.model.reinit_layers) for config in executor.asked]
    assert shapes[0] == (0, 0)  # the base
    assert sorted(shapes) == [(0, 0), (0, 1), (1, 1), (2, 0)]


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    """Return a small checkpoint of two layers."""
    sentences = ["the film is great but the plot is thin"]
    shape = BertConfig(vocab_size=60, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=8)
    folder = tmp_path / "encoder"
    save_bert(folder, shape, Bert(shape).state_dict())
    save_tokenizer(build_wordpiece(sentences, 60), folder)
    return folder


def test_a_study_is_refused_before_its_first_trial(
    encoder: Path, tiny_study: str, tmp_path: Path, run_command: Run
) -> None:
    """With --quiet too, which does not measure the speed."""
    file, runs = tmp_path / "deep.toml", tmp_path / "runs"
    file.write_text(f'{tiny_study}"model.freeze_layers" = {{ low = 0, high = 7 }}\n')
    at_once = run_command("search.run", "--study", file, "--runs-dir", runs, "--dry-run")
    said = f'{file}:37: space."model.freeze_layers".high: 7 is not allowed here: model.freeze_layers = 7, but '
    assert (at_once.returncode, at_once.stderr) == (2, f"error: {said}model.scratch.layers = 2\n")
    arguments: list[Any] = ["--study", file, "--model", encoder, "--runs-dir", runs, "--quiet"]
    assert run_command("search.run", *arguments, "--dry-run").returncode == 0
    refused = run_command("search.run", *arguments)
    *_, last = refused.stderr.splitlines()  # after warnings that the encoder does not know many words
    assert (refused.returncode, last) == (2, f"error: {said}encoder '{encoder}' has 2 layers")
    assert not list(runs.glob("deep/trial-*"))
    file.write_text(file.read_text().replace("high = 7", "high = 2").replace("trials = 4", "trials = 1"))
    corrected = run_command("search.run", *arguments)
    assert corrected.returncode == 0, corrected.stderr
