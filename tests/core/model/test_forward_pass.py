"""Repeating a pass: under the same dropout masks or fresh ones, with other embeddings or other weights."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from core.config import RunConfig
from core.inputs.resources import Resources
from core.model.forward_pass import ForwardPass
from core.model.multitask import MultitaskBert, build_model
from data.batching import Batch

MakeConfig = Callable[..., RunConfig]

# Rows of one sentence, of a pair, and two rows an example.
SHAPES = {"single": ("sst", "cross"), "cross pair": ("para", "cross"), "siamese pair": ("sts", "siamese")}


@dataclass
class Case:
    model: MultitaskBert
    batch: Batch

    def outputs(self, model: MultitaskBert, seed: int) -> Tensor:
        torch.manual_seed(seed)
        return ForwardPass(model, self.batch).outputs


@pytest.fixture(params=list(SHAPES))
def case(request: pytest.FixtureRequest, small_config: MakeConfig, resources: Resources) -> Case:
    """Return a model in training mode, with dropout, and a batch of 6 examples."""
    torch.set_num_threads(1)
    task, pair = SHAPES[request.param]
    config = small_config((task,), heads={task: {"pair": pair, "pooling": "mean", "layers": 2}})
    encoder = resources.encoder(config)
    model = build_model(config, encoder.config, encoder.read_weights()).train()
    return Case(model, resources.task_data(config)[task].next_batch(6))


def test_the_same_masks_give_the_same_numbers_and_fresh_ones_do_not(case: Case) -> None:
    forward = ForwardPass(case.model, case.batch)
    anew = forward.repeat_with_fresh_dropout()
    assert torch.equal(forward.repeat(), forward.outputs)
    torch.rand(5)
    assert torch.equal(forward.repeat(), forward.outputs)
    assert not torch.isclose(anew, forward.outputs).any()
    assert not torch.isclose(forward.repeat_with_fresh_dropout(), anew).any()
    assert forward.count == 5


def test_masks_are_shared_with_a_pass_without_gradient(case: Case) -> None:
    forward = ForwardPass(case.model, case.batch)
    with torch.no_grad():
        assert torch.equal(forward.repeat(), forward.outputs)
    with torch.no_grad():
        other = ForwardPass(case.model, case.batch)
    assert torch.equal(other.repeat(), other.outputs)


def test_what_is_drawn_afterwards_is_as_if_the_pass_had_not_been(case: Case) -> None:
    """Also if it fails: a run that catches the error continues with the numbers of one that never tried."""
    torch.manual_seed(3)
    ForwardPass(case.model, case.batch)
    expected = torch.rand(4)
    torch.manual_seed(3)
    forward = ForwardPass(case.model, case.batch)
    forward.repeat()
    with pytest.raises(ValueError, match="word_embeddings must have shape"):
        forward.repeat(word_embeddings=torch.zeros(1, 1, 1))
    assert torch.equal(torch.rand(4), expected)


def test_word_embeddings_are_changed_before_anything_is_added_or_normalised(case: Case) -> None:
    """A change of the table is the same as a change of what is looked up in it.

    Catches embeddings that are taken after position, segment or LayerNorm, and so pass them twice.
    """
    forward = ForwardPass(case.model, case.batch)
    words = case.model.embed_words(case.batch)
    assert torch.equal(forward.repeat(word_embeddings=words), forward.outputs)
    table = case.model.encoder("sst").embeddings.word_embeddings.weight
    change = 0.05 * torch.randn_like(table)
    ids = case.batch.padded().input_ids
    moved = forward.repeat(word_embeddings=words + change[ids])
    assert not torch.isclose(moved, forward.outputs).any()
    with torch.no_grad():
        table += change
    assert torch.allclose(forward.repeat(), moved, rtol=1e-5, atol=1e-7)


def test_a_pass_can_use_other_parameters(case: Case) -> None:
    """All of them, or a few; the model keeps its weights and the masks stay those of the pass."""
    other = deepcopy(case.model)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter += 0.02 * torch.randn_like(parameter)
    expected, before = case.outputs(other, seed=8), deepcopy(case.model.state_dict())
    torch.manual_seed(8)
    forward = ForwardPass(case.model, case.batch)
    assert torch.equal(forward.repeat(parameters=dict(other.named_parameters())), expected)
    assert not torch.isclose(expected, forward.outputs).any()
    assert torch.equal(forward.repeat(), forward.outputs)
    assert all(torch.equal(weight, before[name]) for name, weight in case.model.state_dict().items())

    name = f"heads.{case.batch.task}.layers.0.weight"
    name = name if name in before else next(n for n in before if n.startswith("heads.") and n.endswith("weight"))
    case.model.load_state_dict({**before, name: other.state_dict()[name]})
    expected = case.outputs(case.model, seed=8)
    case.model.load_state_dict(before)
    torch.manual_seed(8)
    assert torch.equal(
        ForwardPass(case.model, case.batch).repeat(parameters={name: other.state_dict()[name]}), expected
    )


def test_gradients_flow_into_what_is_given(case: Case) -> None:
    forward = ForwardPass(case.model, case.batch)
    words = case.model.embed_words(case.batch).detach().requires_grad_()
    bias = case.model.encoder("sst").embeddings.LayerNorm.bias.detach().clone().requires_grad_()
    outputs = forward.repeat(words, {"encoders.all-tasks.embeddings.LayerNorm.bias": bias})
    for gradient in torch.autograd.grad(outputs.sum(), (words, bias)):
        assert gradient.abs().max() > 0
    assert all(parameter.grad is None for parameter in case.model.parameters())


def test_a_parameter_that_the_model_does_not_have_is_refused(case: Case) -> None:
    """functional_call alone leaves it out without a word, and a teacher would be the student itself."""
    forward = ForwardPass(case.model, case.batch)
    with pytest.raises(KeyError, match=r"no parameter named 'encoders\.nothing'"):
        forward.repeat(parameters={"encoders.nothing": torch.zeros(1)})


def test_outputs_are_float32_under_autocast_and_keep_float64(case: Case) -> None:
    plain = case.outputs(case.model, seed=1)
    with torch.autocast("cpu", torch.bfloat16):
        assert not torch.equal(case.outputs(case.model, seed=1), plain)
        forward = ForwardPass(case.model, case.batch)
        assert forward.outputs.dtype == forward.repeat().dtype == torch.float32
        assert torch.equal(forward.repeat(), forward.outputs)
    case.model.double()
    assert ForwardPass(case.model, case.batch).outputs.dtype == torch.float64
