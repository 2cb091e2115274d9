"""Weights read by name: other names, precisions and formats, and files that are damaged, incomplete or unsafe."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from core.model.bert import Bert
from core.model_files.bert_checkpoint import load_bert_config, load_bert_weights, load_mlm_head
from tests.core.model_files.small_bert import CONFIG, QUERY, assert_same, error_of, rewrite


def pickled(folder: Path, content: object) -> None:
    (folder / "model.safetensors").unlink()
    torch.save(content, folder / "pytorch_model.bin")


def old_names(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    def rename(key: str) -> str:
        return key.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")

    return {f"bert.{rename(key)}": tensor for key, tensor in weights.items()}


def extras(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        **weights,
        "embeddings.position_ids": torch.arange(16)[None],
        "cls.predictions.bias": torch.zeros(30),
        "encoder.layer.2.output.dense.weight": torch.zeros(12, 20),
        "cls.predictions.transform.LayerNorm.gamma": torch.zeros(12),
    }


@pytest.mark.parametrize("change", [old_names, extras])
def test_other_names_and_extra_entries(folder: Path, bert: Bert, change: Callable[[Any], Any]) -> None:
    rewrite(folder, change)
    assert_same(load_bert_weights(folder, CONFIG), bert)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_become_float32(folder: Path, bert: Bert, dtype: torch.dtype) -> None:
    rewrite(folder, lambda weights: {key: tensor.to(dtype) for key, tensor in weights.items()})
    assert_same(load_bert_weights(folder, CONFIG), bert.to(dtype).float())


def test_pickled_weights_are_read_when_there_is_nothing_else(folder: Path, bert: Bert) -> None:
    pickled(folder, old_names(bert.state_dict()))
    assert_same(load_bert_weights(folder, CONFIG), bert)


def test_safetensors_win_over_pickled_weights(folder: Path, bert: Bert) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"never read")
    assert_same(load_bert_weights(folder, CONFIG), bert)


def test_a_missing_weight_is_named_with_its_shape(folder: Path) -> None:
    rewrite(folder, lambda weights: {key: weights[key] for key in weights if "layer.1.attention.self" not in key})
    message = error_of(lambda: load_bert_weights(folder, CONFIG))
    assert message == f"{folder}: weight '{QUERY}' of shape (12, 12) is missing (and 5 more)"


def test_a_misshapen_weight_is_named_as_in_the_file_with_both_shapes(folder: Path) -> None:
    rewrite(folder, lambda weights: old_names({**weights, "embeddings.LayerNorm.weight": torch.zeros(8)}))
    message = error_of(lambda: load_bert_weights(folder, CONFIG))
    assert message == (
        f"{folder}: weight 'bert.embeddings.LayerNorm.gamma' has shape (8,), but config.json asks for (12,)"
    )


def test_one_weight_under_two_names_is_refused(folder: Path) -> None:
    rewrite(folder, lambda weights: {**weights, f"bert.{QUERY}": torch.zeros(12, 12)})
    message = error_of(lambda: load_bert_weights(folder, CONFIG))
    assert f"'{QUERY}'" in message
    assert f"'bert.{QUERY}'" in message


def test_quantised_weights_are_refused(folder: Path) -> None:
    rewrite(folder, lambda weights: {**weights, QUERY: torch.zeros(12, 12, dtype=torch.int8)})
    message = error_of(lambda: load_bert_weights(folder, CONFIG))
    assert message.endswith(f"'{QUERY}' is torch.int8; only floating-point weights are supported")


@pytest.mark.parametrize("prefix", ["module.", "model.", "model.bert.", "module.bert.", "encoder.", "0.auto_model."])
@pytest.mark.parametrize("is_pickled", [False, True])
def test_a_wrappers_prefix_is_read(folder: Path, bert: Bert, prefix: str, is_pickled: bool) -> None:
    prefixed = {f"{prefix}{key}": tensor for key, tensor in bert.state_dict().items()}
    if is_pickled:
        pickled(folder, prefixed)
    else:
        rewrite(folder, lambda _: {**prefixed, "head.bias": torch.zeros(2)})
    assert_same(load_bert_weights(folder, CONFIG), bert)


def test_the_head_has_the_encoders_prefix(folder: Path, bert: Bert) -> None:
    head = {
        "transform.dense.weight": torch.ones(12, 12),
        "transform.dense.bias": torch.zeros(12),
        "transform.LayerNorm.weight": torch.ones(12),
        "transform.LayerNorm.bias": torch.zeros(12),
        "bias": torch.zeros(30),
    }
    whole = {f"bert.{key}": tensor for key, tensor in bert.state_dict().items()}
    whole |= {f"cls.predictions.{key}": tensor for key, tensor in head.items()}
    rewrite(folder, lambda _: {f"module.{key}": tensor for key, tensor in whole.items()})
    assert_same(load_bert_weights(folder, CONFIG), bert)
    found = load_mlm_head(folder, CONFIG, bert.state_dict()["embeddings.word_embeddings.weight"])
    assert found is not None
    assert torch.equal(found["dense.weight"], head["transform.dense.weight"])


def test_several_encoders_are_refused(folder: Path) -> None:
    rewrite(folder, lambda weights: {f"{a}.{key}": value.clone() for a in "ab" for key, value in weights.items()})
    assert error_of(lambda: load_bert_weights(folder, CONFIG)) == (
        f"{folder}: the weights are of several encoders, under 'a.' and 'b.'; save one of them alone"
    )


def test_names_of_another_model_are_shown(folder: Path) -> None:
    rewrite(folder, lambda _: {f"layers.{i}.w": torch.zeros(2) for i in range(5)})
    assert error_of(lambda: load_bert_weights(folder, CONFIG)).endswith(
        "is missing (and 36 more); the file has 'layers.0.w', 'layers.1.w', 'layers.2.w' and 2 more"
    )


def test_an_adapter_is_refused(folder: Path) -> None:
    rewrite(folder, lambda weights: {**weights, "base_model.model.x.lora_A.weight": torch.zeros(2)})
    assert error_of(lambda: load_bert_weights(folder, CONFIG)) == (
        f"{folder}: a PEFT adapter ('base_model.model.x.lora_A.weight'), not an encoder: merge it into its base model "
        "first (merge_and_unload), save that with its tokenizer, and give the new folder"
    )
    (folder / "adapter_config.json").write_text("{}")
    assert error_of(lambda: load_bert_weights(folder, CONFIG)).startswith(
        f"{folder / 'adapter_config.json'}: a PEFT adapter, not an encoder: merge it"
    )
    (folder / "config.json").unlink(missing_ok=True)
    assert ": a PEFT adapter, not an encoder" in error_of(lambda: load_bert_config(folder))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_refused(folder: Path, value: float) -> None:
    def spoil(weights: dict[str, Tensor]) -> dict[str, Tensor]:
        weights[QUERY][3, 4] = value
        return {f"bert.{key}": tensor for key, tensor in weights.items()}

    rewrite(folder, spoil)
    assert error_of(lambda: load_bert_weights(folder, CONFIG)) == (
        f"{folder / 'model.safetensors'}: 'bert.{QUERY}' has 1 of 144 values that are NaN or infinite; the encoder is "
        "damaged: save or download it again"
    )


def test_large_weights_are_finite(folder: Path) -> None:
    rewrite(folder, lambda weights: {**weights, QUERY: torch.full((12, 12), 3e38)})
    assert torch.equal(load_bert_weights(folder, CONFIG)[QUERY], torch.full((12, 12), 3e38))


def test_a_pickled_model_is_one_plain_line(folder: Path, bert: Bert) -> None:
    pickled(folder, bert)
    assert error_of(lambda: load_bert_weights(folder, CONFIG)) == (
        f"{folder / 'pytorch_model.bin'}: cannot read the weights: it is damaged, or holds a whole pickled model, "
        "which could run any code; save its state_dict() alone, best as model.safetensors"
    )


def test_no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    message = error_of(lambda: load_bert_weights(folder, CONFIG))
    assert message == (
        f"{folder}: no weights: expected model.safetensors, model.safetensors.index.json or pytorch_model.bin"
    )


def test_a_damaged_file(folder: Path) -> None:
    path = folder / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert error_of(lambda: load_bert_weights(folder, CONFIG)).startswith(f"{path}: cannot read the weights: ")


def test_a_git_lfs_pointer(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0000\nsize 90868376\n")
    assert error_of(lambda: load_bert_weights(folder, CONFIG)) == (
        f"{path}: a Git LFS pointer, not the weights; run 'git lfs pull'"
    )


class Payload:
    """Unpickled, it would leave a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def test_a_pickle_cannot_run_code(folder: Path, tmp_path: Path) -> None:
    pickled(folder, {"weight": Payload(tmp_path / "ran")})
    message = error_of(lambda: load_bert_weights(folder, CONFIG))
    assert message.startswith(f"{folder / 'pytorch_model.bin'}: cannot read the weights: ")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_a_damaged_pickle(folder: Path, content: bytes) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(content)
    assert "pytorch_model.bin: cannot read the weights: " in error_of(lambda: load_bert_weights(folder, CONFIG))


def test_a_pickle_of_something_else(folder: Path) -> None:
    pickled(folder, [torch.zeros(2)])
    assert error_of(lambda: load_bert_weights(folder, CONFIG)).endswith("must contain weights by name, got list")


def shard(folder: Path, weight_map: object) -> Path:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00001.safetensors")
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}))
    return index


def test_a_missing_shard_is_named(folder: Path) -> None:
    index = shard(folder, {QUERY: "model-00002-of-00002.safetensors", "cls.bias": "model-00003-of-00003.safetensors"})
    message = error_of(lambda: load_bert_weights(folder, CONFIG))
    assert message.startswith(f"{index.parent / 'model-00002-of-00002.safetensors'}: no such file; it is a shard")


def test_a_shard_outside_the_folder_is_refused(folder: Path) -> None:
    shard(folder, {QUERY: "../other.safetensors"})
    assert "shard '../other.safetensors' is not a plain file name" in error_of(
        lambda: load_bert_weights(folder, CONFIG)
    )


def test_an_index_without_a_map(folder: Path) -> None:
    shard(folder, None)
    assert "no 'weight_map'" in error_of(lambda: load_bert_weights(folder, CONFIG))
