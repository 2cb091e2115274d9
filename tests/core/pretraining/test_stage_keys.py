"""A result is shared by exactly the runs that have it in common."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from core.config import RunConfig
from core.config.pretraining import PretrainingConfig
from core.inputs.resources import Resources
from core.model.multitask import build_encoder
from core.model_files.bert_checkpoint import save_bert
from core.pretraining.registry import make_stages
from core.pretraining.stage_keys import key_stages
from data.tokenizer import save_tokenizer

MakeConfig = Callable[..., RunConfig]

STAGES = {
    "nli_file": {"path": "nli.tsv"},
    "mlm": {"examples": 100},
    "nli": {"examples": 100},
    "mnrl": {"examples": 100},
}


@pytest.fixture
def keys(resources: Resources, nli_pairs: object) -> Callable[..., dict[str, str]]:
    """Return the key of every stage."""

    def make(config: RunConfig, sections: dict[str, Any] = STAGES) -> dict[str, str]:
        assert nli_pairs
        encoder = resources.encoder(config)
        start = build_encoder(config, encoder.config, encoder.read_weights())
        stages = make_stages(config, PretrainingConfig.model_validate(sections), resources)
        tokenizer = encoder.tokenizer.to_str()
        links = key_stages(stages, start, config, resources.layout(config), tokenizer, torch.device("cpu"))
        assert all(json.loads(json.dumps(link.facts)) is not None for link in links)
        return {link.stage.name: link.key for link in links}

    return make


def changed(config: RunConfig, **sections: Any) -> RunConfig:
    values = config.model_dump()
    for name, section in sections.items():
        values[name] = {**values[name], **section} if isinstance(section, dict) else section
    return RunConfig.model_validate(values)


def test_what_comes_after_the_stages_makes_no_difference(
    keys: Callable[..., dict[str, str]], small_config: MakeConfig
) -> None:
    config = small_config()
    other = changed(
        config,
        optim={"learning_rate": 0.5, "ema": 0.9},
        budget={"examples": 50, "batch_size": 7},
        sampler={"order": "together"},
        smart={"weight": {"sst": 3.0}},
        lora={"rank": 2},
        eval={"rungs": 1},
    )
    assert keys(other) == keys(config)


def test_the_order_of_the_tasks_and_their_names_in_a_section_make_none(
    keys: Callable[..., dict[str, str]], small_config: MakeConfig
) -> None:
    config = small_config()
    named = {"mlm": {"examples": 100, "tasks": "sts, sst,para"}}
    assert keys(config, named) == keys(config, {"mlm": {"examples": 100}})
    assert keys(config, {"mlm": {"examples": 100, "tasks": "sst"}}) != keys(config, {"mlm": {"examples": 100}})


@pytest.mark.parametrize(
    "sections",
    [
        {"seed": 1},
        {"model": {"dropout": 0.3}},
        {"model": {"attention_dropout": 0.3}},
        {"model": {"max_length": 64}},
        {"compute": {"threads": 2}},
        {"compute": {"precision": "bfloat16"}},
    ],
    ids=str,
)
def test_what_all_stages_depend_on(
    keys: Callable[..., dict[str, str]], small_config: MakeConfig, sections: dict[str, Any]
) -> None:
    config = small_config()
    before, after = keys(config), keys(changed(config, **sections))
    assert all(before[name] != after[name] for name in before)


def test_other_weights_to_start_from_and_another_seed(small_config: MakeConfig, resources: Resources) -> None:
    """Catches a key by the encoder's name: a folder's content may change. A seed counts though it draws no weights."""
    config = small_config()
    encoder = resources.encoder(config)
    stages = make_stages(config, PretrainingConfig.model_validate({"mlm": {"examples": 100}}), resources)
    found = set()
    for change, seed in ((0.0, 0), (1e-7, 0), (0.0, 1)):
        start = build_encoder(config, encoder.config, encoder.read_weights())
        with torch.no_grad():
            start.pooler.dense.bias[0] = change
        arguments = (
            config.model_copy(update={"seed": seed}),
            resources.layout(config),
            encoder.tokenizer.to_str(),
            torch.device("cpu"),
        )
        found.add(key_stages(stages, start, *arguments)[0].key)
    assert len(found) == 3


@pytest.mark.parametrize("stage", ["mlm", "nli", "mnrl"])
@pytest.mark.parametrize("change", [{"examples": 101}, {"learning_rate": 1e-3}, {"dropout": 0.0}], ids=str)
def test_a_stages_settings_change_it_and_those_after_it(
    keys: Callable[..., dict[str, str]], small_config: MakeConfig, stage: str, change: dict[str, Any]
) -> None:
    """Catches keys that leave out the stages before, or a setting."""
    config = small_config()
    before, after = keys(config), keys(config, {**STAGES, stage: {"examples": 100, **change}})
    names = list(before)
    position = names.index(stage)
    assert [before[name] == after[name] for name in names] == [number < position for number in range(len(names))]


def test_a_stage_less_changes_those_after_it(keys: Callable[..., dict[str, str]], small_config: MakeConfig) -> None:
    config = small_config()
    without = keys(config, {name: section for name, section in STAGES.items() if name != "nli"})
    assert without["mlm"] == keys(config)["mlm"]
    assert without["mnrl"] != keys(config)["mnrl"]


def test_data(
    keys: Callable[..., dict[str, str]], small_config: MakeConfig, corpus: Path, tmp_path: Path, nli_pairs: object
) -> None:
    """Their place makes no difference, nor do dev and test, except for the NLI pairs that they exclude.

    Catches dev or test sentences among those that are trained on.
    """
    assert nli_pairs
    config = small_config()
    moved = tmp_path / "moved"
    shutil.copytree(corpus, moved)
    there = changed(config, data={"directory": str(moved)})
    assert keys(there) == keys(config)

    for file in ("sts-dev.csv", "sts-test-student.csv"):
        lines = (moved / file).read_text().splitlines()
        (moved / file).write_text("\n".join([*lines[:-1], lines[-1].replace("the", "that")]) + "\n")
        assert lines[-1] != lines[-1].replace("the", "that")
    only_tasks = {name: section for name, section in STAGES.items() if not name.startswith("nli")}
    assert keys(there, only_tasks) == keys(config, only_tasks)
    assert keys(there)["nli"] != keys(config)["nli"]
    assert keys(there)["mlm"] == keys(config)["mlm"]
    everything = {**STAGES, "nli_file": {"path": "nli.tsv", "leave_out_known": False}}
    assert keys(there, everything) == keys(config, everything)


def test_the_head_that_masked_language_modelling_starts_from(
    keys: Callable[..., dict[str, str]], small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    """Of encoders alike weight by weight. Other stages do not look at it."""
    scratch = small_config()
    encoder = resources.encoder(scratch)
    bert = build_encoder(scratch, encoder.config, encoder.read_weights())
    size, width = encoder.config.vocab_size, encoder.config.hidden_size
    head = {
        "cls.predictions.bias": torch.zeros(size),
        "cls.predictions.transform.dense.weight": torch.eye(width),
        "cls.predictions.transform.dense.bias": torch.zeros(width),
        "cls.predictions.transform.LayerNorm.weight": torch.ones(width),
        "cls.predictions.transform.LayerNorm.bias": torch.zeros(width),
    }
    found = []
    for name, layers in (
        ("none", {}),
        ("head", head),
        ("other", {**head, "cls.predictions.bias": torch.full((size,), 1e-7)}),
    ):
        save_bert(tmp_path / name, encoder.config, bert.state_dict())
        save_tokenizer(encoder.tokenizer, tmp_path / name)
        weights = {**bert.state_dict(), **layers}
        save_file({key: weight.contiguous() for key, weight in weights.items()}, tmp_path / name / "model.safetensors")
        config = small_config(model={"encoder": str(tmp_path / name), "scratch": None})
        found.append((keys(config, {"mlm": {"examples": 100}})["mlm"], keys(config, {"mnrl": {"examples": 9}})["mnrl"]))
    assert len({mlm for mlm, _ in found}) == 3
    assert len({mnrl for _, mnrl in found}) == 1


def test_another_nli_file(
    keys: Callable[..., dict[str, str]], small_config: MakeConfig, corpus: Path, nli_pairs: object
) -> None:
    assert nli_pairs
    config = small_config()
    content = (corpus / "nli.tsv").read_text()
    for name, text in (("copy.tsv", content), ("shorter.tsv", content[: content.rindex("\n", 0, -1) + 1])):
        (corpus / name).write_text(text)
        same = keys(config, {**STAGES, "nli_file": {"path": name}}) == keys(config)
        assert same == (name == "copy.tsv")


def test_a_task_with_a_limit_gives_no_more_here(
    keys: Callable[..., dict[str, str]], small_config: MakeConfig, resources: Resources
) -> None:
    config = small_config()
    values = config.model_dump()
    values["tasks"]["sst"]["train_limit"] = 20
    limited = RunConfig.model_validate(values)
    sections = {"mlm": {"examples": 100, "tasks": "sst"}}
    assert keys(limited, sections) != keys(config, sections)
    (stage,) = make_stages(limited, PretrainingConfig.model_validate(sections), resources)
    data = stage.make_data()
    train = resources.task_data(limited)["sst"].train
    assert len(data) <= 20
    own = {train.token_ids[a:b].tobytes() for a, b in zip(train.offsets, train.offsets[1:], strict=False)}
    rows = data.rows
    assert {rows.token_ids[a:b].tobytes() for a, b in zip(rows.offsets, rows.offsets[1:], strict=False)} == own
