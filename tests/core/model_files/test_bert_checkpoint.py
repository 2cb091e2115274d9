"""Loading and saving the Hugging Face layout, with transformers as the other side."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file
from torch import Tensor, nn

from core.model.bert import Bert
from core.model_files.bert_checkpoint import load_bert_config, load_bert_weights, load_mlm_head, save_bert
from tests.core.model_files.small_bert import CONFIG, QUERY, assert_same, error_of, rewrite

POOLER = {"pooler.dense.weight", "pooler.dense.bias"}
IDS = torch.tensor([[2, 5, 7, 3], [2, 9, 3, 0]])
MASK = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])


def set_config(folder: Path, **entries: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


def test_saved_model_loads_in_transformers(folder: Path, bert: Bert) -> None:
    theirs, report = transformers.AutoModel.from_pretrained(folder, output_loading_info=True)
    assert type(theirs) is transformers.BertModel
    assert not any(report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    theirs.eval()
    hidden = bert(IDS, MASK)
    expected = theirs(input_ids=IDS, attention_mask=MASK)
    assert torch.allclose(hidden[MASK.bool()], expected.last_hidden_state[MASK.bool()], atol=1e-6)
    assert torch.allclose(bert.pool(hidden), expected.pooler_output, atol=1e-6)


@pytest.mark.parametrize("size", ["5GB", "5KB"])
def test_loads_what_transformers_saves(tmp_path: Path, size: str) -> None:
    """In one file, and in shards with an index."""
    theirs = transformers.BertModel(transformers.BertConfig(**CONFIG.to_dict())).eval()
    theirs.save_pretrained(tmp_path, max_shard_size=size)
    assert (tmp_path / "model.safetensors.index.json").exists() == (size == "5KB")
    config = load_bert_config(tmp_path)
    assert config == CONFIG
    bert = Bert(config, load_bert_weights(tmp_path, config)).eval()
    expected = theirs(input_ids=IDS, attention_mask=MASK).last_hidden_state
    assert torch.allclose(bert(IDS, MASK)[MASK.bool()], expected[MASK.bool()], atol=1e-6)


def test_loads_the_encoder_of_a_model_with_a_head(tmp_path: Path) -> None:
    """Keys start with ``bert.``, the head's are ignored, and such models have no pooler."""
    theirs = transformers.BertForMaskedLM(transformers.BertConfig(**CONFIG.to_dict())).eval()
    theirs.save_pretrained(tmp_path)
    stored = load_file(tmp_path / "model.safetensors")
    assert any(key.startswith("cls.") for key in stored)
    weights = load_bert_weights(tmp_path, load_bert_config(tmp_path))
    assert Bert(CONFIG).state_dict().keys() - weights.keys() == POOLER
    bert = Bert(CONFIG, weights).eval()
    expected = theirs.bert(input_ids=IDS, attention_mask=MASK).last_hidden_state
    assert torch.allclose(bert(IDS, MASK)[MASK.bool()], expected[MASK.bool()], atol=1e-6)


def test_save_and_load_give_the_same(folder: Path, bert: Bert) -> None:
    assert load_bert_config(folder) == CONFIG
    assert_same(load_bert_weights(folder, CONFIG), bert)


def test_saving_again_replaces_and_leaves_nothing_else(folder: Path, bert: Bert) -> None:
    before = load_bert_weights(folder, CONFIG)
    kept = before[QUERY].clone()
    with torch.no_grad():
        bert.get_parameter(QUERY).add_(1)
    save_bert(folder, CONFIG, bert.state_dict())
    assert torch.equal(before[QUERY], kept)  # weights loaded earlier do not change under their owner
    assert_same(load_bert_weights(folder, CONFIG), bert)
    assert {path.name for path in folder.iterdir()} == {"config.json", "model.safetensors"}


def test_saves_tensors_that_are_strided_or_share_memory(tmp_path: Path, bert: Bert) -> None:
    state = dict(bert.state_dict())
    state[QUERY] = state[QUERY].T
    state[QUERY.replace("query", "key")] = state[QUERY]
    save_bert(tmp_path, CONFIG, state)
    loaded = load_bert_weights(tmp_path, CONFIG)
    assert all(torch.equal(loaded[name], state[name]) for name in state)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({QUERY: None}, f"'{QUERY}' must be (12, 12), got none"),
        ({QUERY: torch.zeros(12, 4)}, f"'{QUERY}' must be (12, 12), got (12, 4)"),
        ({"cls.bias": torch.zeros(2)}, "'cls.bias' must be absent, got (2,)"),
    ],
)
def test_saving_something_else_is_refused(
    tmp_path: Path, bert: Bert, change: dict[str, Tensor | None], message: str
) -> None:
    state = {name: tensor for name, tensor in {**bert.state_dict(), **change}.items() if tensor is not None}
    with pytest.raises(ValueError, match=re.escape(message)):
        save_bert(tmp_path / "model", CONFIG, state)
    assert not (tmp_path / "model").exists()


def test_the_pooler_may_be_missing_as_a_whole(folder: Path) -> None:
    rewrite(folder, lambda weights: {key: weights[key] for key in weights if key not in POOLER})
    assert Bert(CONFIG).state_dict().keys() - load_bert_weights(folder, CONFIG).keys() == POOLER


def test_half_a_pooler_is_refused(folder: Path) -> None:
    rewrite(folder, lambda weights: {key: weights[key] for key in weights if key != "pooler.dense.bias"})
    message = error_of(lambda: load_bert_weights(folder, CONFIG))
    assert message == f"{folder}: weight 'pooler.dense.bias' of shape (12,) is missing"


HEAD = {
    "cls.predictions.bias": torch.rand(30),
    "cls.predictions.transform.dense.weight": torch.rand(12, 12),
    "cls.predictions.transform.dense.bias": torch.rand(12),
    "cls.predictions.transform.LayerNorm.gamma": torch.rand(12),
    "cls.predictions.transform.LayerNorm.beta": torch.rand(12),
}


def head_of(folder: Path, bert: Bert) -> dict[str, Tensor] | None:
    return load_mlm_head(folder, CONFIG, bert.embeddings.word_embeddings.weight.detach())


def test_a_head_that_is_there_or_not(folder: Path, bert: Bert) -> None:
    assert head_of(folder, bert) is None
    rewrite(folder, lambda weights: {**weights, **{key: tensor.half() for key, tensor in HEAD.items()}})
    head = head_of(folder, bert)
    assert head is not None
    assert set(head) == {"bias", "dense.weight", "dense.bias", "LayerNorm.weight", "LayerNorm.bias"}
    for name, key in (("LayerNorm.weight", "transform.LayerNorm.gamma"), ("bias", "bias")):
        assert torch.equal(head[name], HEAD[f"cls.predictions.{key}"].half().float())


def test_half_a_head_and_a_misshapen_one_are_refused(folder: Path, bert: Bert) -> None:
    whole = load_file(folder / "model.safetensors")
    rewrite(folder, lambda _: {**whole, **{key: tensor for key, tensor in HEAD.items() if "beta" not in key}})
    assert error_of(lambda: head_of(folder, bert)) == (
        f"{folder}: weight 'cls.predictions.transform.LayerNorm.bias' of shape (12,) is missing"
    )
    rewrite(folder, lambda _: {**whole, **HEAD, "cls.predictions.bias": torch.rand(31)})
    assert error_of(lambda: head_of(folder, bert)) == (
        f"{folder}: weight 'cls.predictions.bias' has shape (31,), but config.json asks for (30,)"
    )
    assert_same(load_bert_weights(folder, CONFIG), bert)  # who does not want the head is not kept from the encoder


def test_a_decoder_that_is_not_the_embeddings(folder: Path, bert: Bert) -> None:
    table = bert.embeddings.word_embeddings.weight.detach().clone()
    rewrite(folder, lambda weights: {**weights, **HEAD, "cls.predictions.decoder.weight": table})
    assert head_of(folder, bert) is not None
    rewrite(folder, lambda weights: {**weights, "cls.predictions.decoder.weight": table + 1e-6})
    with pytest.warns(UserWarning, match="has separate word embeddings"):
        assert head_of(folder, bert) is None


@pytest.mark.parametrize("model_type", ["distilbert", "roberta"])
def test_other_architectures_are_refused_by_name(folder: Path, model_type: str) -> None:
    set_config(folder, model_type=model_type)
    message = error_of(lambda: load_bert_config(folder))
    assert message == (f"{folder / 'config.json'}: model_type must be 'bert', got '{model_type}'")


def test_other_position_embeddings_are_refused(folder: Path) -> None:
    set_config(folder, position_embedding_type="relative_key")
    assert "position_embedding_type must be 'absolute', got 'relative_key'" in error_of(
        lambda: load_bert_config(folder)
    )


def test_values_out_of_range_come_with_the_file(folder: Path) -> None:
    set_config(folder, num_attention_heads=5)
    assert error_of(lambda: load_bert_config(folder)) == (
        f"{folder / 'config.json'}: hidden_size must be a multiple of num_attention_heads, got 12 and 5"
    )


def test_a_config_of_the_first_releases_has_no_model_type(folder: Path) -> None:
    path = folder / "config.json"
    entries = json.loads(path.read_text())
    path.write_text(json.dumps({k: v for k, v in entries.items() if k not in ("model_type", "architectures")}))
    assert load_bert_config(folder) == CONFIG


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot read the file: No such file or directory"),
        (b"{", "not valid JSON: "),
        (b"\xff", "not valid JSON: "),
        (b"[]", "must contain a JSON object, got list"),
        (b"{}", "vocab_size is missing"),
    ],
)
def test_a_config_that_cannot_be_read(folder: Path, content: bytes | None, reason: str) -> None:
    path = folder / "config.json"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert error_of(lambda: load_bert_config(folder)).startswith(f"{path}: {reason}")


def test_names_are_those_of_transformers() -> None:
    theirs = transformers.BertModel(transformers.BertConfig(**CONFIG.to_dict()))
    ours: nn.Module = Bert(CONFIG)
    assert [(k, v.shape) for k, v in sorted(ours.state_dict().items())] == [
        (k, v.shape) for k, v in sorted(theirs.state_dict().items())
    ]
