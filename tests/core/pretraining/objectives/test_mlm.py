"""Masked language modelling: the head of transformers' BertForMaskedLM, and a loss that falls."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import BertConfig as TheirConfig
from transformers import BertForMaskedLM, BertForPreTraining

from core.config import RunConfig
from core.config.pretraining import PretrainingConfig
from core.inputs.resources import Resources
from core.model.bert import ACTIVATIONS
from core.model.multitask import build_encoder
from core.pretraining.objectives.mlm import MaskedLanguageModel
from core.pretraining.registry import make_stages
from core.pretraining.stage import Stage
from core.pretraining.stage_run import StageRun
from data.tokenizer import save_tokenizer

MakeRun = Callable[..., tuple[Stage, StageRun]]
MakeConfig = Callable[..., RunConfig]


def transformers_twin(run: StageRun) -> BertForMaskedLM:
    """Return the same weights in transformers' model."""
    bert, head = run.encoder.bert, run.objective
    assert isinstance(head, MaskedLanguageModel)
    theirs = BertForMaskedLM(TheirConfig(**bert.config.to_dict())).eval()
    theirs.bert.load_state_dict(bert.state_dict(), strict=False)
    with torch.no_grad():
        transform = theirs.cls.predictions.transform
        transform.dense.load_state_dict(head.dense.state_dict())
        transform.LayerNorm.load_state_dict(head.LayerNorm.state_dict())
        theirs.cls.predictions.bias.copy_(head.bias)
    return theirs


def compare(run: StageRun, theirs: torch.nn.Module, tolerance: float) -> None:
    """Compare the loss of one masked batch with that of a model of transformers."""
    head = run.objective
    assert isinstance(head, MaskedLanguageModel)
    run.encoder.bert.eval()
    batch = run.data.batch(np.arange(6))
    rows = batch.padded()
    assert not rows.attention_mask.all()  # there is padding
    loss = head.loss(run.encoder, batch, np.random.default_rng(5))

    seen, chosen = head.masking(batch.input_ids, np.random.default_rng(5))
    inputs, labels = rows.input_ids.clone(), torch.full_like(rows.input_ids, -100)
    inputs[rows.attention_mask] = seen
    labels[rows.attention_mask] = torch.where(chosen, batch.input_ids, -100)
    logits = theirs(inputs, rows.attention_mask)[0]
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
    assert loss.item() == pytest.approx(expected.item(), rel=tolerance)


def test_the_loss_is_that_of_transformers(make_run: MakeRun) -> None:
    """The same head, tied embeddings, and the mean over the chosen tokens alone (padding and the rest do not count)."""
    _, run = make_run("mlm", mask_probability=0.3)
    head = run.objective
    assert isinstance(head, MaskedLanguageModel)
    with torch.no_grad():
        for parameter in head.parameters():  # a bias of 0 and a LayerNorm of 1 would hide that they are not used
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0)))
    compare(run, transformers_twin(run), 1e-5)


def rename(folder: Path, rename_key: Callable[[str], str], *, pickled: bool = False) -> None:
    """Give the checkpoint other keys, or pickle it."""
    path = folder / "model.safetensors"
    weights: dict[str, Tensor] = {rename_key(key): weight.clone() for key, weight in load_file(path).items()}
    path.unlink()
    if pickled:
        # As the first releases have it: the decoder is there under its own name too.
        weights["cls.predictions.decoder.weight"] = weights["bert.embeddings.word_embeddings.weight"]
        torch.save(weights, folder / "pytorch_model.bin")
    else:
        save_file(weights, path, metadata={"format": "pt"})


def old_name(key: str) -> str:
    return key.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")


STORED: dict[str, Callable[[Path], object]] = {
    "as transformers does": lambda folder: folder,
    "with old names": lambda folder: rename(folder, old_name),
    "without bert.": lambda folder: rename(folder, lambda key: key.removeprefix("bert.")),
    "pickled": lambda folder: rename(folder, str, pickled=True),
}


@pytest.fixture
def stage_of(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> Callable[..., tuple[torch.nn.Module, Stage, StageRun]]:
    """Return a model of transformers saved in a folder, and our stage on that folder."""

    def make(
        kind: type[BertForMaskedLM] | type[BertForPreTraining], store: str = "as transformers does", **shape: Any
    ) -> tuple[torch.nn.Module, Stage, StageRun]:
        tokenizer = resources.encoder(small_config()).tokenizer
        sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
        theirs = kind(TheirConfig(vocab_size=tokenizer.get_vocab_size(), **sizes, **shape)).eval()
        with torch.no_grad():
            for number, parameter in enumerate(theirs.parameters()):  # a bias of 0 would hide that it is not read
                noise = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number))
                parameter.add_(0.1 * noise)
        theirs.save_pretrained(tmp_path)
        save_tokenizer(tokenizer, tmp_path)
        STORED[store](tmp_path)
        config = small_config(model={"encoder": str(tmp_path), "scratch": None})
        own = Resources(tmp_path / "cache")
        sections = PretrainingConfig.model_validate({"mlm": {"examples": 64, "mask_probability": 0.3}})
        (stage,) = make_stages(config, sections, own)
        encoder = own.encoder(config)
        bert = build_encoder(config, encoder.config, encoder.read_weights())
        return theirs, stage, StageRun(stage, bert, config.seed, config.compute, torch.device("cpu"))

    return make


@pytest.mark.parametrize("kind", [BertForMaskedLM, BertForPreTraining])
@pytest.mark.parametrize("store", STORED)
def test_it_starts_from_the_checkpoints_head(stage_of: Any, kind: Any, store: str) -> None:
    """In float64, where a head of anything else would show."""
    theirs, stage, run = stage_of(kind, store)
    run.encoder.bert.double()
    run.objective.double()
    compare(run, theirs.double(), 1e-10)
    assert stage.layers["head"].startswith("the checkpoint's, SHA-256 ")


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_head_has_the_encoders_activation(stage_of: Any, activation: str) -> None:
    theirs, _, run = stage_of(BertForMaskedLM, hidden_act=activation)
    run.encoder.bert.double()
    run.objective.double()
    compare(run, theirs.double(), 1e-10)


def test_a_head_of_another_decoder_is_not_taken(stage_of: Any) -> None:
    with pytest.warns(UserWarning, match="head has separate word embeddings"):
        _, stage, _ = stage_of(BertForMaskedLM, tie_word_embeddings=False)
    assert stage.layers == {"head": "drawn"}


def test_the_decoder_is_the_embedding_table(make_run: MakeRun) -> None:
    """Catches a decoder of its own: no parameter but the bias has the vocabulary's size, and words not in the batch are
    moved by it."""
    _, run = make_run("mlm")
    table = run.encoder.bert.embeddings.word_embeddings.weight
    assert [name for name, p in run.objective.named_parameters() if p.shape[0] == table.shape[0]] == ["bias"]
    batch = run.data.batch(np.arange(4))
    run.objective.loss(run.encoder, batch, np.random.default_rng(0)).backward()
    absent = [i for i in range(5, table.shape[0]) if i not in set(batch.input_ids.tolist())]
    assert table.grad is not None
    assert (table.grad[absent].abs().sum(dim=-1) > 0).all()


def test_a_batch_without_a_chosen_token_changes_nothing(make_run: MakeRun) -> None:
    """Catches the mean of nothing, which is NaN."""
    _, run = make_run("mlm", mask_probability=1e-9)
    loss = run.objective.loss(run.encoder, run.data.batch(np.arange(2)), np.random.default_rng(0))
    loss.backward()
    gradient = run.encoder.bert.embeddings.word_embeddings.weight.grad
    assert loss.item() == 0
    assert gradient is not None
    assert not gradient.any()


def test_every_training_sentence_is_there_once(make_run: MakeRun) -> None:
    stage, run = make_run("mlm", tasks_used="sst,para")
    assert set(stage.sources) == {"sst", "para"}
    rows = {run.data.batch(np.array([i])).input_ids.numpy().tobytes() for i in range(len(run.data))}
    assert len(rows) == len(run.data)
    assert len(run.data) > 400  # 240 of sst and 480 of para, with repetitions


def test_it_learns_the_language(make_run: MakeRun) -> None:
    """The loss falls well below that of the words' frequencies."""
    _, run = make_run("mlm", examples=16_000, learning_rate=1e-2)
    counts = np.bincount(run.data.rows.token_ids)
    p = counts[counts > 0] / counts.sum()
    frequencies_alone = -(p * np.log(p)).sum()
    while not run.finished:
        run.step()
    points = list(run.curve.values())
    assert points[0] > points[-1]
    assert points[-1] < 0.8 * frequencies_alone < math.log(len(counts))
