"""LoRA against peft's, closed forms, and what training and export make of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
import transformers
from safetensors.torch import load_file
from torch import Tensor, nn

from core.config import LoraConfig, RunConfig
from core.config.model import LORA_LAYERS
from core.inputs.resources import Resources
from core.model.bert import Bert
from core.model.freezing import parameter_counts
from core.model.lora import LoraLinear, add_lora, merged_state_dict
from core.model.multitask import MultitaskBert, build_model
from core.model_files.model_folder import TrainedModel, load_model_folder, save_model_folder
from core.run.run_folder import RunFolder
from core.run_observer import NullRunObserver
from core.scoring import predict
from core.trainer import TrainingRun, train
from tests.core.model import reference_bert

MakeConfig = Callable[..., RunConfig]

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")  # peft asks transformers

SMALL = replace(reference_bert.SMALL, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)

SETTINGS = {
    "paper": LoraConfig(rank=3, alpha=16.0),
    "alpha is the rank": LoraConfig(rank=3),
    "rank-stabilised": LoraConfig(rank=3, alpha=16.0, rank_stabilised=True),
    "rank-stabilised, alpha is the rank": LoraConfig(rank=3, rank_stabilised=True),
    "all linear": LoraConfig(rank=2, alpha=5.0, targets="all-linear", initial="kaiming"),
    "one kind": LoraConfig(rank=30, alpha=5.0, targets="attention-output"),  # a rank beyond the width
}


def updated_bert(config: LoraConfig, dtype: torch.dtype = torch.float64) -> Bert:
    """Return an encoder with A as it starts and a random B, as after training, in eval mode."""
    bert = Bert(SMALL, generator=torch.Generator().manual_seed(1))
    add_lora(bert, config, seed=4)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for name, parameter in bert.named_parameters():
            if name.endswith("lora_b"):
                parameter.normal_(std=0.3, generator=generator)
    return bert.to(dtype).eval()


def peft_bert(config: LoraConfig, ours: Bert) -> Any:
    """Return transformers' BERT under peft, with the same weights, A and B."""
    base = transformers.BertModel(transformers.BertConfig(**SMALL.to_dict())).to(torch.float64)
    state = ours.state_dict()
    plain = {name: weight for name, weight in state.items() if "lora" not in name}
    base.load_state_dict(plain, strict=True)
    places = [f"encoder.layer.{k}.{place}" for k in range(SMALL.num_hidden_layers) for place in config.layers]
    settings = peft.LoraConfig(
        r=config.rank,
        lora_alpha=config.rank if config.alpha is None else config.alpha,  # type: ignore[arg-type]
        use_rslora=config.rank_stabilised,
        target_modules=places,
    )
    reference = peft.get_peft_model(base, settings).to(torch.float64)
    renamed = {
        "base_model.model."
        + name.replace("lora_a", "lora_A.default.weight").replace("lora_b", "lora_B.default.weight"): weight
        for name, weight in state.items()
        if "lora" in name
    }
    found = reference.load_state_dict(renamed, strict=False)
    assert not found.unexpected_keys
    assert not any("lora" in name for name in found.missing_keys)  # no place has an update that we have not
    return reference.eval()


def rows() -> tuple[Tensor, Tensor]:
    ids = torch.randint(1, SMALL.vocab_size, (3, 7), generator=torch.Generator().manual_seed(3))
    mask = torch.arange(7)[None, :] < torch.tensor([7, 4, 2])[:, None]
    return ids, mask


@pytest.mark.parametrize("config", SETTINGS.values(), ids=SETTINGS)
def test_forward_equals_pefts(config: LoraConfig) -> None:
    """Catches alpha / r where alpha / sqrt(r) is asked for, a scale applied twice or not at all, A and B transposed."""
    ours = updated_bert(config)
    ids, mask = rows()
    expected = peft_bert(config, ours)(input_ids=ids, attention_mask=mask.long()).last_hidden_state
    plain = Bert(SMALL, {n: w for n, w in ours.state_dict().items() if "lora" not in n}).double().eval()
    assert (ours(ids, mask) - expected)[mask].abs().max() < 1e-12
    assert (plain(ids, mask) - expected)[mask].abs().max() > 0.1  # the updates do something


@pytest.mark.parametrize("config", SETTINGS.values(), ids=SETTINGS)
def test_merged_weights_equal_pefts(config: LoraConfig) -> None:
    ours = updated_bert(config)
    expected = peft_bert(config, ours).merge_and_unload().state_dict()
    merged = merged_state_dict(ours)
    assert merged.keys() == expected.keys()
    assert all((merged[name] - expected[name]).abs().max() < 1e-12 for name in merged)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-4)])
@pytest.mark.parametrize("config", SETTINGS.values(), ids=SETTINGS)
def test_merged_and_unmerged_agree(config: LoraConfig, dtype: torch.dtype, tolerance: float) -> None:
    ours = updated_bert(config, dtype)
    ids, mask = rows()
    once, twice = merged_state_dict(ours), merged_state_dict(ours)
    assert all(torch.equal(once[name], twice[name]) for name in once)  # merging leaves the model as it is
    plain = Bert(SMALL, once).to(dtype)
    plain.load_state_dict(once)
    assert (plain.eval()(ids, mask) - ours(ids, mask))[mask].abs().max() < tolerance


def test_a_plain_encoder_merges_to_itself() -> None:
    plain = Bert(SMALL)
    merged = merged_state_dict(plain)
    assert all(torch.equal(merged[name], weight) for name, weight in plain.state_dict().items())


@pytest.mark.parametrize("config", SETTINGS.values(), ids=SETTINGS)
def test_as_many_parameters_as_pefts(config: LoraConfig) -> None:
    ours = updated_bert(config)
    assert parameter_counts(ours) == peft_bert(config, ours).get_nb_trainable_parameters()


@pytest.mark.parametrize("initial", ["gaussian", "kaiming"])
def test_initial_values_are_pefts(initial: Any) -> None:
    """The same generator gives the same A; B is zero."""
    generator = torch.Generator().manual_seed(5)
    ours = LoraLinear(nn.Linear(64, 32), LoraConfig(rank=8, initial=initial), generator)
    named = "gaussian" if initial == "gaussian" else True
    reference = peft.tuners.lora.Linear(
        nn.Linear(64, 32), "default", config=peft.LoraConfig(r=8, init_lora_weights=named), r=8, lora_alpha=8
    )
    torch.manual_seed(5)
    reference.reset_lora_parameters("default", named)
    assert torch.equal(ours.lora_a, reference.lora_A["default"].weight)
    assert torch.equal(ours.lora_b, reference.lora_B["default"].weight)
    assert not ours.lora_b.any()


def test_initial_spread() -> None:
    """Catches a Kaiming bound taken over the rank, and a spread of 1 / sqrt(r)."""
    base = nn.Linear(2000, 4)
    gaussian = LoraLinear(base, LoraConfig(rank=8), torch.Generator().manual_seed(0)).lora_a
    assert gaussian.std().item() == pytest.approx(1 / 8, rel=0.02)
    assert gaussian.mean().item() == pytest.approx(0, abs=0.005)
    kaiming = LoraLinear(base, LoraConfig(rank=8, initial="kaiming"), torch.Generator().manual_seed(0)).lora_a
    assert kaiming.std().item() == pytest.approx((1 / 2000 / 3) ** 0.5, rel=0.02)  # uniform up to 1 / sqrt(in)
    assert kaiming.abs().max().item() <= 2000**-0.5


def test_an_update_by_hand() -> None:
    """W x + b + (alpha / r) B A x with W = [[1, 2]], b = 3, A = [[4, 5], [6, 7]], B = [[8, 9]], x = (10, 11)."""
    base = nn.Linear(2, 1)
    layer = LoraLinear(base, LoraConfig(rank=2, alpha=3.0), torch.Generator())
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 2.0]]))
        layer.bias.fill_(3.0)
        layer.lora_a.copy_(torch.tensor([[4.0, 5.0], [6.0, 7.0]]))
        layer.lora_b.copy_(torch.tensor([[8.0, 9.0]]))
    assert layer(torch.tensor([10.0, 11.0])).item() == 10 + 22 + 3 + 1.5 * (8 * 95 + 9 * 137)


def test_without_alpha_the_update_is_not_scaled() -> None:
    assert LoraConfig(rank=200).scale == 1
    assert LoraConfig(rank=16, alpha=16.0, rank_stabilised=True).scale == 4


def test_dropout_is_on_the_updates_input_alone() -> None:
    """Catches dropout on x itself, which would change W x, and dropout after A."""
    layer = LoraLinear(nn.Linear(1, 1), LoraConfig(rank=1, dropout=0.5), torch.Generator().manual_seed(0)).train()
    x = torch.ones(1000, 1)
    base = nn.functional.linear(x, layer.weight, layer.bias)
    assert torch.equal(layer(x), base)  # B is zero
    with torch.no_grad():
        layer.lora_a.fill_(1.0)
        layer.lora_b.fill_(3.0)
    added = (layer(x) - base).flatten()
    dropped = added.abs() < 1e-5
    assert 0.4 < dropped.float().mean() < 0.6
    assert torch.allclose(added[~dropped], torch.tensor(6.0))  # 3 / (1 - 0.5)
    assert torch.allclose(layer.eval()(x) - base, torch.tensor(3.0))
    wide = LoraLinear(nn.Linear(8, 1), LoraConfig(rank=1, dropout=0.5), torch.Generator().manual_seed(0)).train()
    with torch.no_grad():
        wide.lora_a.fill_(1.0)
        wide.lora_b.fill_(1.0)
        x = torch.ones(200, 8)
        added = (wide(x) - nn.functional.linear(x, wide.weight, wide.bias)).flatten()
    assert len(added.round().unique()) > 3  # each input is dropped on its own, not all of them at once


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_training_finds_the_best_update_of_its_rank(rank: int) -> None:
    """Eckart and Young 1936: rank r leaves the singular values beyond the r-th; here of a change of rank 3."""
    generator = torch.Generator().manual_seed(0)
    base = nn.Linear(12, 10).double()
    left = torch.linalg.qr(torch.randn(10, 3, dtype=torch.float64, generator=generator)).Q
    right = torch.linalg.qr(torch.randn(12, 3, dtype=torch.float64, generator=generator)).Q
    values = torch.tensor([3.0, 2.0, 1.0], dtype=torch.float64)
    target = base.weight.detach() + left @ torch.diag(values) @ right.T
    layer = LoraLinear(base, LoraConfig(rank=rank, alpha=4.0), generator)
    optimiser = torch.optim.LBFGS([layer.lora_a, layer.lora_b], max_iter=500, line_search_fn="strong_wolfe")
    x = torch.eye(12, dtype=torch.float64)

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = (layer(x) - layer.bias - target.T).square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)
    assert closure().item() == pytest.approx(values[rank:].square().sum().item(), abs=1e-5)
    assert (layer.merged_weight() - layer(x).T.detach() + base.bias[:, None]).abs().max() < 1e-12


def test_a_checkpoint_of_the_encoder_fits_before_and_after() -> None:
    checkpoint = Bert(SMALL).state_dict()
    bert = updated_bert(LoraConfig(rank=2, targets="all-linear"))
    found = bert.load_state_dict(checkpoint, strict=False)
    assert not found.unexpected_keys
    assert all("lora" in name for name in found.missing_keys)


def built(config: RunConfig, resources: Resources) -> MultitaskBert:
    encoder = resources.encoder(config)
    return build_model(config, encoder.config, encoder.read_weights())


def test_rank_zero_trains_the_encoders_own_weights(small_config: MakeConfig, resources: Resources) -> None:
    model = built(small_config(lora={"rank": 0, "targets": "all-linear"}), resources)
    assert not any(isinstance(module, LoraLinear) for module in model.modules())
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_updates_and_heads_are_trained_and_nothing_else(small_config: MakeConfig, resources: Resources) -> None:
    model = built(small_config(lora={"rank": 2}), resources)
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    updates = {
        f"encoders.all-tasks.encoder.layer.{k}.attention.self.{which}.lora_{matrix}"
        for k in range(2)
        for which in ("query", "value")
        for matrix in "ab"
    }
    assert trained == updates | {f"heads.{name}" for name in model.heads.state_dict()}


def test_the_embeddings_are_trained_where_the_config_says_so(small_config: MakeConfig, resources: Resources) -> None:
    """All of them, as in the share of trainable parameters that reports give."""
    without, model = (built(small_config(lora={"rank": 2, "embeddings": on}), resources) for on in (False, True))
    embeddings = model.encoder("sst").embeddings
    added = sum(parameter.numel() for parameter in embeddings.parameters())
    assert parameter_counts(model)[0] == parameter_counts(without)[0] + added
    assert all(parameter.requires_grad for parameter in embeddings.parameters())


def test_the_pooler_is_trained_where_a_head_uses_it(small_config: MakeConfig, resources: Resources) -> None:
    model = built(small_config(lora={"rank": 2}, heads={"sst": {"pooling": "pooler"}}), resources)
    assert all(parameter.requires_grad for parameter in model.encoder("sst").pooler.parameters())
    assert not model.encoder("sst").embeddings.word_embeddings.weight.requires_grad


def test_a_starts_by_seed_and_layer_alone(small_config: MakeConfig, resources: Resources) -> None:
    def updates(**sections: Any) -> dict[str, Tensor]:
        state = built(small_config(**sections), resources).encoder("sst").state_dict()
        return {name: weight for name, weight in state.items() if name.endswith("lora_a")}

    few, many = updates(lora={"rank": 2}), updates(lora={"rank": 2, "targets": "all-linear"}, tasks=("sst",))
    assert len(few) == 4
    assert len(many) == 2 * len(LORA_LAYERS)
    assert all(torch.equal(weight, many[name]) for name, weight in few.items())
    assert len({tuple(weight.flatten().tolist()) for weight in many.values()}) == len(many)  # all different
    other = updates(lora={"rank": 2}, seed=1)
    assert not any(torch.equal(weight, other[name]) for name, weight in few.items())


def last_loss(run: TrainingRun) -> float:
    """Train to the end; the mean training loss since the rung before the last."""
    run.folder.make()
    while not run.finished:
        if run.at_rung:
            loss = run.evaluate().train_loss["sst"]
        else:
            run.step()
    return loss


def test_a_run_moves_the_updates_and_no_other_weight_of_the_encoder(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    shape = small_config().model.model_dump()
    common: dict[str, Any] = {
        "tasks": ("sst",),
        "heads": {"sst": {"pooling": "mean", "dropout": 0.0}},
        "optim": {"learning_rate": 1e-2, "weight_decay": 0.1},
        "budget": {"examples": 1500},
    }
    without_dropout = {**shape, "dropout": 0.0, "attention_dropout": 0.0}
    lora = {"rank": 8, "alpha": 32.0, "targets": "all-linear"}
    config = small_config(model=without_dropout, lora=lora, **common)
    run = TrainingRun(config, RunFolder(tmp_path / "lora"), resources)
    before = {name: weight.clone() for name, weight in run.model.state_dict().items()}
    loss = last_loss(run)
    for name, weight in run.model.state_dict().items():
        frozen = name.startswith("encoders.all-tasks.") and "lora" not in name
        assert torch.equal(weight, before[name]) == frozen, name
    moments = sum(state["exp_avg"].numel() for state in run.optimiser.state_dict()["state"].values())
    assert moments == parameter_counts(run.model)[0]  # none is kept of the frozen weights

    heads_only = small_config(model={**without_dropout, "freeze": "encoder"}, **common)
    assert loss < last_loss(TrainingRun(heads_only, RunFolder(tmp_path / "heads"), resources)) - 0.03


@pytest.mark.parametrize("ema", [None, 0.5])
def test_an_exported_model_is_a_plain_bert_that_predicts_the_same(
    small_config: MakeConfig, resources: Resources, tmp_path: Path, ema: float | None
) -> None:
    """Catches an export without the updates, or with updates twice: merged into W, and built again on loading."""
    config = small_config(
        lora={"rank": 4, "alpha": 64.0, "targets": "all-linear", "rank_stabilised": True},
        optim={"learning_rate": 1e-2, "ema": ema},
        heads={"sst": {"pooling": "pooler"}},
    )
    train(config, tmp_path / "run", resources, NullRunObserver())
    model = built(config, resources)
    model.load_state_dict(load_file(RunFolder(tmp_path / "run").best_model))
    trained = TrainedModel(model.eval(), config, resources.encoder(config).tokenizer)
    save_model_folder(tmp_path / "model", trained, {})
    loaded = load_model_folder(tmp_path / "model")
    assert loaded.config == config  # the training configuration is kept
    assert not any(isinstance(module, LoraLinear) for module in loaded.model.modules())
    save_model_folder(tmp_path / "again", loaded, {})
    again = load_model_folder(tmp_path / "again")

    cpu = torch.device("cpu")
    for name, task in config.tasks.items():
        examples = resources.examples(config, task.spec, "dev")
        expected = predict(model, config, examples, trained.layout, cpu)
        assert abs(predict(loaded.model, config, examples, trained.layout, cpu) - expected).max() < 1e-4, name
        assert abs(predict(again.model, config, examples, trained.layout, cpu) - expected).max() < 1e-4, name
    reference = transformers.AutoModel.from_pretrained(tmp_path / "model").eval()
    ids = torch.arange(5, 17)[None]
    with torch.inference_mode():
        ours, theirs = model.encoder("sst")(ids), reference(input_ids=ids).last_hidden_state
        for module in model.modules():
            if isinstance(module, LoraLinear):
                module.scale = 0.0
        without = model.encoder("sst")(ids)
    assert (ours - theirs).abs().max() < 1e-4
    assert (ours - without).abs().max() > 1e-2  # the updates matter
