"""Which parameters get weight decay."""

from __future__ import annotations

from core.optim.scheduled_adamw import decays
from core.trainer import TrainingRun


def test_biases_and_layer_norms_do_not_decay(run: TrainingRun) -> None:
    spared = {name for name, p in run.model.named_parameters() if not decays(name, p)}
    assert all(name.endswith("bias") or "LayerNorm" in name for name in spared)
    assert "encoders.all-tasks.embeddings.LayerNorm.weight" in spared
    assert "encoders.all-tasks.embeddings.word_embeddings.weight" not in spared
