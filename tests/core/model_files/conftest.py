"""A small BERT, and its checkpoint on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from core.model.bert import Bert
from core.model_files.bert_checkpoint import save_bert
from tests.core.model_files.small_bert import CONFIG


@pytest.fixture
def bert() -> Bert:
    return Bert(CONFIG, generator=torch.Generator().manual_seed(0)).eval()


@pytest.fixture
def folder(tmp_path: Path, bert: Bert) -> Path:
    """Return a whole checkpoint, for tests to change."""
    save_bert(tmp_path / "model", CONFIG, bert.state_dict())
    return tmp_path / "model"
