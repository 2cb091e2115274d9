"""Bounds and defaults of a head."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from core.config import HeadConfig
from tests.core.config.head_cases import COS, SPECS


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"dropout": 1.0}, "less than 1"),
        ({"dropout_last": -0.1}, "greater than or equal to 0"),
        ({"label_smoothing": 1.0}, "less than 1"),
        ({"class_balance": 1.1}, "less than or equal to 1"),
        ({"class_weights": (1.0, -1.0)}, "greater than or equal to 0"),
        ({"class_weights": (1.0, float("inf"))}, "finite number"),
        ({"score_classes": 1}, "greater than or equal to 2"),
        ({"side_layers": -1}, "greater than or equal to 0"),
        ({"layers": 0}, "greater than or equal to 1"),
        ({"hidden_size": 0}, "greater than or equal to 1"),
        ({"auxiliary_weight": 0.0}, "greater than 0"),
        ({"cosine_margin": 1.0}, "less than 1"),
        ({"cosine_threshold": -1.0}, "greater than -1"),
        ({"cosine_threshold": 1.0}, "less than 1"),
        ({"cosent_scale": 0.0}, "greater than 0"),
        ({"output": "softmax"}, "Input should be 'sigmoid', 'linear', 'cos', 'relu-cos', 'raw-cos' or 'classes'"),
        ({"loss": "hinge"}, "Input should be"),
        ({"auxiliary_loss": "bce"}, "Input should be 'mse', 'pearson' or 'cosent'"),
        ({"pooler": "cls"}, "Extra inputs are not permitted"),
    ],
)
def test_values_out_of_range(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(message)):
        HeadConfig.model_validate(values)


def test_defaults_follow_the_task() -> None:
    sts, para = SPECS["sts"], SPECS["para"]
    assert HeadConfig().loss_name(sts) == "mse"
    assert HeadConfig().score_output == "sigmoid"
    assert HeadConfig.model_validate(COS).score_output == "cos"
    assert HeadConfig(output="classes").loss_name(sts) == "cross-entropy"
    assert HeadConfig.model_validate(COS).loss_name(para) == "cosine-embedding"
    assert HeadConfig().loss_name(para) == "cross-entropy"
    assert HeadConfig().class_count(SPECS["mood"]) == 3
    assert HeadConfig().class_count(SPECS["sst"]) == 5
