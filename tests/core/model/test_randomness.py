"""Starting values differ by seed and by name, and by nothing else."""

from __future__ import annotations

import torch

from core.model.randomness import named_generator


def test_seed_and_name_both_count() -> None:
    """Catches a seed in the high half of 64 bits: torch's CPU generator reads the low half alone."""
    pairs = [(seed, name) for seed in (0, 1, 2, 2**32 - 1) for name in ("sst", "sts", "encoder.layer.0", "")]
    drawn = {tuple(torch.randn(4, generator=named_generator(*pair)).tolist()) for pair in pairs}
    assert len(drawn) == len(pairs)
    again = [torch.randn(4, generator=named_generator(7, "sst")) for _ in range(2)]
    assert torch.equal(*again)
