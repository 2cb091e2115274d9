"""Who is masked, and by what: against transformers' collator."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerFast

from core.pretraining.objectives.masking import Masking
from data.tokenizer import special_ids
from data.vocabulary import build_wordpiece


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return build_wordpiece(["the film is great but the plot is thin and so is the popcorn"] * 3, 70)


def shares(ids: torch.Tensor, seen: torch.Tensor, chosen: torch.Tensor, mask: int) -> list[float]:
    """Return the share of chosen tokens, and the shares of these that are shown as [MASK], as another, unchanged."""
    of = seen[chosen]
    same = of == ids[chosen]
    return [
        chosen.float().mean().item(),
        (of == mask).float().mean().item(),
        ((of != mask) & ~same).float().mean().item(),
        same.float().mean().item(),
    ]


def test_the_shares_are_transformers(tokenizer: Tokenizer) -> None:
    special = special_ids(tokenizer)
    ids = torch.randint(5, tokenizer.get_vocab_size(), (200, 200), generator=torch.Generator().manual_seed(0))
    seen, chosen = Masking(tokenizer, 0.15)(ids.flatten(), np.random.default_rng(0))
    ours = shares(ids.flatten(), seen, chosen, special.mask)

    names = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    theirs = DataCollatorForLanguageModeling(PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names), seed=0)
    inputs, labels = theirs.torch_mask_tokens(ids.clone())
    reference = shares(ids, inputs, labels != -100, special.mask)
    # 40,000 tokens, 6,000 of them chosen: the standard errors are .002 and .005.
    assert ours == pytest.approx(reference, abs=0.02)
    vocabulary = tokenizer.get_vocab_size() - 5  # a random word piece is the token itself once in a while
    assert ours == pytest.approx([0.15, 0.8, 0.1 * (1 - 1 / vocabulary), 0.1 * (1 + 1 / vocabulary)], abs=0.02)


def test_special_tokens_are_neither_chosen_nor_shown(tokenizer: Tokenizer) -> None:
    """Catches masks over rows as a whole, [CLS] and [SEP] included, and random tokens from the whole vocabulary."""
    special = special_ids(tokenizer)
    never = [special.pad, special.unk, special.cls, special.sep, special.mask]
    ids = torch.tensor(never * 400 + list(range(5, 20)) * 400)
    seen, chosen = Masking(tokenizer, 0.9)(ids, np.random.default_rng(1))
    assert not chosen[: 5 * 400].any()
    assert torch.equal(seen[: 5 * 400], ids[: 5 * 400])
    assert chosen[5 * 400 :].float().mean() > 0.85
    shown = seen[5 * 400 :]
    assert not torch.isin(shown[shown != special.mask], torch.tensor(never)).any()


def test_what_is_not_chosen_is_shown_and_the_input_stays(tokenizer: Tokenizer) -> None:
    ids = torch.arange(5, 45)
    before = ids.clone()
    seen, chosen = Masking(tokenizer, 0.5)(ids, np.random.default_rng(2))
    assert torch.equal(ids, before)  # the gold labels
    assert torch.equal(seen[~chosen], ids[~chosen])
    assert 0 < int(chosen.sum()) < 40


def test_masks_are_dynamic(tokenizer: Tokenizer) -> None:
    """Catches masks that are drawn once per sentence."""
    ids = torch.arange(5, 45)
    masking = Masking(tokenizer, 0.15)
    drawn = {tuple(masking(ids, np.random.default_rng([3, step]))[1].tolist()) for step in range(10)}
    assert len(drawn) == 10
    assert torch.equal(masking(ids, np.random.default_rng(4))[0], masking(ids, np.random.default_rng(4))[0])
