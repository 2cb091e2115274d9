"""What a head may be: every combination that is allowed builds and predicts, every other is refused by name."""

from __future__ import annotations

import re
from itertools import product
from typing import Any, get_args

import pytest
import torch

from core.config import HeadConfig
from core.config.head_rules import check_head
from core.config.heads import ScoreOutput, TaskLossName
from core.losses import make_loss
from core.model.bert import Bert, BertConfig
from core.model.heads import TaskHead
from core.model.pooling import EncodedRows
from tests.core.config.head_cases import COS, SPECS

_SIZE = 8
SIAMESE = {"pair": "siamese"}
ALLOWED: list[tuple[str, dict[str, Any]]] = [
    *[(task, {}) for task in SPECS],
    ("sst", {"layers": 3, "hidden_size": 5, "dropout_last": 0.0}),
    ("sst", {"label_smoothing": 0.1, "class_balance": 0.5}),
    ("sst", {"label_smoothing": 0.1, "class_weights": (0, 1, 2, 3, 4)}),
    *[(task, {**SIAMESE, "combine": c}) for task in ("para", "sts", "three") for c in ("uv", "uv-diff", "uv-absdiff")],
    *[(task, {**SIAMESE, "side_layers": 2, "hidden_size": 5, "layers": 2}) for task in ("para", "sts", "three")],
    ("para", {"loss": "bce"}),
    ("para", {**SIAMESE, "loss": "bce", "side_layers": 1}),
    ("para", {"loss": "cross-entropy", "class_weights": (1, 2)}),
    ("para", COS),
    ("para", {**COS, "side_layers": 2, "cosine_margin": 0.2, "cosine_threshold": 0.7}),
    ("para", {**COS, "loss": "cosine-embedding"}),
    *[("sts", {"loss": loss}) for loss in ("mse", "pearson", "cosent")],
    *[("sts", {**COS, "loss": loss}) for loss in ("mse", "pearson", "cosent")],
    *[("sts", {**COS, "output": "relu-cos", "side_layers": 3, "loss": loss}) for loss in ("mse", "pearson", "cosent")],
    *[("sts", {**COS, "output": "raw-cos", "loss": loss}) for loss in ("mse", "pearson", "cosent")],
    *[("sts", {**SIAMESE, "output": "linear", "loss": loss}) for loss in ("mse", "pearson", "cosent")],
    ("sts", {"loss": "bce", "auxiliary_loss": "pearson"}),
    ("sts", {"output": "classes", "divergence": "squared-error"}),
    ("mood", {"output": "linear"}),
    ("sts", {"pair_order": "both"}),
    ("sts", {**COS, "auxiliary_loss": "pearson"}),
    ("sts", {"loss": "pearson", "auxiliary_loss": "mse", "auxiliary_weight": 0.1}),
    ("sts", {"loss": "cosent", "auxiliary_loss": "pearson"}),
    ("sts", {"output": "classes"}),
    ("sts", {**SIAMESE, "output": "classes", "score_classes": 26, "score_from": "argmax"}),
    ("sts", {"output": "classes", "class_balance": 1.0, "label_smoothing": 0.1}),
    ("sts", {"output": "classes", "class_weights": (1, 1, 1, 1, 1, 2)}),
    ("uneven", {"output": "classes", "score_classes": 6}),
    ("mood", {"output": "classes"}),
    ("mood", {"loss": "pearson"}),
]


@pytest.mark.parametrize(("task", "values"), ALLOWED)
def test_what_is_allowed_builds_and_predicts(task: str, values: dict[str, Any]) -> None:
    torch.manual_seed(0)
    config, spec = HeadConfig.model_validate(values), SPECS[task]
    check_head(task, config, spec)
    loss = make_loss(config, spec)
    bert = Bert(BertConfig(20, hidden_size=_SIZE, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8))
    head = TaskHead(config, _SIZE, loss.outputs, 0.02, torch.Generator().manual_seed(0))
    rows = EncodedRows(torch.randn(6, 4, _SIZE), torch.ones(6, 4, dtype=torch.bool))
    pooled = (torch.arange(3), torch.arange(3, 6)) if config.pair == "siamese" else (torch.arange(3),)
    outputs = head(bert, rows, pooled)
    assert outputs.shape == (3, loss.outputs)
    predicted = loss.predict(outputs)
    if spec.score_range is None:
        assert predicted.shape == (3, len(spec.classes))
        gold = torch.tensor([0, 1, 1])
    else:
        low, high = spec.score_range
        assert predicted.shape == (3,)
        assert ((predicted >= low) & (predicted <= high)).all()
        gold = torch.tensor([low, (low + high) / 2, high])
    loss.prepare(gold.numpy())
    assert loss.loss(outputs, gold).isfinite()


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("sst", SIAMESE, "heads.sst.pair = 'siamese': task 'sst' has single sentences, not pairs"),
    ("mood", SIAMESE, "heads.mood.pair = 'siamese': task 'mood' has single sentences, not pairs"),
    ("sts", {"combine": "uv"}, "heads.sts.combine = 'uv' needs pair = 'siamese', got 'cross'"),
    ("sst", {"combine": "cos"}, "heads.sst.combine = 'cos' needs pair = 'siamese', got 'cross'"),
    ("para", {"side_layers": 2}, "heads.para.side_layers = 2 needs pair = 'siamese', got 'cross'"),
    ("sts", {**COS, "layers": 2}, "heads.sts.layers = 2: no layers can follow the cosine of combine = 'cos'"),
    ("para", {"output": "sigmoid"}, "heads.para.output = 'sigmoid' needs scores, but task 'para' has classes"),
    ("sts", {"output": "cos"}, "heads.sts.output = 'cos' does not go with combine = none"),
    ("sts", {**SIAMESE, "combine": "uv", "output": "relu-cos"}, "output = 'relu-cos' does not go with combine = 'uv'"),
    ("sts", {**COS, "output": "sigmoid"}, "heads.sts.output = 'sigmoid' does not go with combine = 'cos'"),
    ("sts", {**COS, "output": "classes"}, "heads.sts.output = 'classes' does not go with combine = 'cos'"),
    ("sst", {"pair_order": "both"}, "heads.sst.pair_order = 'both' needs a task of pairs and pair = 'cross'"),
    ("sts", {**SIAMESE, "pair_order": "both"}, "heads.sts.pair_order = 'both' needs a task of pairs and pair"),
    ("sts", {**COS, "output": "linear"}, "heads.sts.output = 'linear' does not go with combine = 'cos'"),
    ("sts", {"output": "raw-cos"}, "heads.sts.output = 'raw-cos' does not go with combine = none"),
    ("sts", {"output": "linear", "loss": "bce"}, "with output = 'linear' needs mse or pearson or cosent"),
    ("sts", {"divergence": "kl"}, "heads.sts.divergence = 'kl' needs output = 'classes', got 'sigmoid'"),
    ("para", {"divergence": "kl"}, "heads.para.divergence = 'kl' needs scores, but task 'para' has classes"),
    ("sts", {"score_classes": 6}, "heads.sts.score_classes = 6 needs output = 'classes', got 'sigmoid'"),
    (
        "uneven",
        {"output": "classes"},
        "output = 'classes' needs score_classes, because the range 0 to 2.5 is not whole",
    ),
    ("three", COS, "heads.three.combine = 'cos': a cosine separates two classes, not 3"),
    ("sst", {"loss": "bce"}, "heads.sst.loss = 'bce': task 'sst' (classify) needs cross-entropy"),
    ("three", {"loss": "bce"}, "heads.three.loss = 'bce': task 'three' (classify-pair) needs cross-entropy"),
    ("para", {"loss": "mse"}, "heads.para.loss = 'mse': task 'para' (classify-pair) needs cross-entropy or bce"),
    (
        "para",
        {"loss": "cosine-embedding"},
        "'cosine-embedding': task 'para' (classify-pair) needs cross-entropy or bce",
    ),
    ("para", {**COS, "loss": "bce"}, "task 'para' (classify-pair) with combine = 'cos' needs cosine-embedding"),
    (
        "sts",
        {"loss": "cross-entropy"},
        "task 'sts' (score-pair) with output = 'sigmoid' needs mse or pearson or cosent or bce",
    ),
    (
        "sts",
        {"output": "classes", "loss": "mse"},
        "task 'sts' (score-pair) with output = 'classes' needs cross-entropy",
    ),
    (
        "para",
        {"auxiliary_loss": "mse"},
        "heads.para.auxiliary_loss = 'mse' needs scores with an output other than 'classes'",
    ),
    (
        "sts",
        {"output": "classes", "auxiliary_loss": "mse"},
        "auxiliary_loss = 'mse' needs scores with an output other than 'classes'",
    ),
    ("sts", {"auxiliary_loss": "mse"}, "heads.sts.auxiliary_loss = 'mse' is the same as the loss"),
    ("sts", {"loss": "pearson", "auxiliary_loss": "pearson"}, "auxiliary_loss = 'pearson' is the same as the loss"),
    (
        "para",
        {"loss": "bce", "label_smoothing": 0.1},
        "heads.para.label_smoothing needs loss = 'cross-entropy', got 'bce'",
    ),
    ("sts", {"class_balance": 0.5}, "heads.sts.class_balance needs loss = 'cross-entropy', got 'mse'"),
    ("para", {**COS, "class_weights": (1, 2)}, "class_weights needs loss = 'cross-entropy', got 'cosine-embedding'"),
    ("sst", {"class_weights": (1, 2)}, "heads.sst.class_weights has 2 weights for 5 classes"),
    ("sts", {"output": "classes", "score_classes": 3, "class_weights": (1,)}, "has 1 weights for 3 classes"),
    ("para", {"class_weights": (0, 0)}, "heads.para.class_weights: at least one class needs a weight above 0"),
    (
        "para",
        {"class_weights": (1, 2), "class_balance": 0.5},
        "class_balance must be 0 if class_weights are given, got 0.5",
    ),
]


@pytest.mark.parametrize(("task", "values", "message"), REFUSED)
def test_what_is_refused_says_why(task: str, values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        check_head(task, HeadConfig.model_validate(values), SPECS[task])


@pytest.mark.parametrize("task", list(SPECS))
def test_whatever_passes_the_check_builds(task: str) -> None:
    """No combination that a study may draw passes the check and then breaks."""
    passed = 0
    shapes: list[dict[str, Any]] = [{}, SIAMESE, COS]
    outputs, losses = (None, *get_args(ScoreOutput)), (None, *get_args(TaskLossName))
    for shape, output, loss in product(shapes, outputs, losses):
        config = HeadConfig.model_validate({**shape, "output": output, "loss": loss})
        try:
            check_head(task, config, SPECS[task])
        except ValueError:
            continue
        made = make_loss(config, SPECS[task])
        assert made.outputs == 1 or config.combine != "cos"
        assert made.predict(torch.zeros(2, made.outputs)).isfinite().all()
        passed += 1
    assert passed >= 2
