"""Models of random weights, and their predictions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch

from core.model_files.model_folder import TrainedModel
from core.scoring import predict
from data.examples import Examples
from tests.search.predict.conftest import make_model, tokenizer

__all__ = ["make_model", "tokenizer"]

Predict = Callable[[TrainedModel, str, Sequence[tuple[str, ...]]], np.ndarray]


@pytest.fixture
def predicted() -> Predict:
    """Predict a task's examples with our own program."""

    def predicted(trained: TrainedModel, task: str, sentences: Sequence[tuple[str, ...]]) -> np.ndarray:
        spec = trained.config.tasks[task].spec
        examples = Examples.from_sentences(spec, sentences, trained.tokenizer)
        return predict(trained.model, trained.config, examples, trained.layout, torch.device("cpu"))

    return predicted
