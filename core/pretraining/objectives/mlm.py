"""Train masked language modelling (BERT, Devlin et al. 2019, arXiv:1810.04805, section 3.1) on the tasks' text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config.pretraining import MlmConfig
from core.model.bert import ACTIVATIONS, Bert, BertConfig
from core.pretraining.objectives.masking import Masking
from core.pretraining.objectives.objective import StageEncoder, StageObjective
from core.pretraining.sources import Sources
from core.pretraining.stage import Stage
from core.pretraining.stage_data import StageData, distinct_sentences
from core.pretraining.weights_digest import weights_digest
from data.batching import Batch

__all__ = ["MaskedLanguageModel", "mlm_stage"]


class MaskedLanguageModel(StageObjective):
    """Prediction of only the chosen tokens, through BERT's own head.

    The head is a linear layer with the encoder's activation and LayerNorm, then a product with the word embeddings,
    which it shares with the encoder, and a bias for every word piece.

    Args:
        shape: architecture of the encoder.
        masking: chooses the tokens.
        generator: draws the linear layer.
        head: parameters of the checkpoint's head by name; None for a new head.
    """

    def __init__(
        self, shape: BertConfig, masking: Masking, generator: torch.Generator, head: dict[str, Tensor] | None = None
    ) -> None:
        super().__init__()
        self.masking = masking
        self._activation = ACTIVATIONS[shape.hidden_act]
        self.dense = nn.Linear(shape.hidden_size, shape.hidden_size)
        self.LayerNorm = nn.LayerNorm(shape.hidden_size, eps=shape.layer_norm_eps)
        self.bias = nn.Parameter(torch.zeros(shape.vocab_size))
        nn.init.normal_(self.dense.weight, std=shape.initializer_range, generator=generator)
        nn.init.zeros_(self.dense.bias)
        if head is not None:
            self.load_state_dict(head)

    def scores(self, bert: Bert, hidden: Tensor) -> Tensor:
        """Compute the logits of every word piece, (M, V), from hidden states (M, H)."""
        table = bert.embeddings.word_embeddings.weight  # (V, H)
        return F.linear(self.LayerNorm(self._activation(self.dense(hidden))), table, self.bias)

    def loss(self, encoder: StageEncoder, batch: Batch, rng: np.random.Generator) -> Tensor:
        """Return the mean cross-entropy of the chosen tokens; 0 if none was chosen."""
        seen, chosen = self.masking(batch.input_ids, rng)
        rows = encoder(replace(batch, input_ids=seen))
        wanted = chosen.nonzero().squeeze(-1).to(encoder.device)  # (M,)
        # The flat ids are the real tokens row by row.
        hidden = rows.hidden[rows.attention_mask][wanted]  # (M, H)
        logits = self.scores(encoder.bert, hidden)
        gold = batch.input_ids.to(encoder.device)[wanted]
        return F.cross_entropy(logits, gold, reduction="sum") / max(len(gold), 1)


def mlm_stage(config: MlmConfig, sources: Sources) -> Stage:
    """Build the stage over every distinct sentence of the tasks, with the checkpoint's own head if it has one."""
    tasks = sources.tasks(config.tasks, pairs=False)
    head = sources.mlm_head

    def make_data() -> StageData:
        pool, _ = distinct_sentences([sources.train(task) for task in tasks], sources.layout.max_length)
        return StageData(pool, np.arange(len(pool))[:, None], None, sources.layout)

    return Stage(
        name="mlm",
        config=config,
        sources=sources.train_facts(tasks),
        make_data=make_data,
        make_objective=lambda shape, generator: MaskedLanguageModel(
            shape, Masking(sources.tokenizer, config.mask_probability), generator, head
        ),
        layers={"head": "drawn" if head is None else f"the checkpoint's, SHA-256 {weights_digest(head)}"},
    )
