"""Dev labels without a tokenizer are those that runs are scored by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from core.config import RunConfig
from core.inputs.dev_gold import dev_gold
from core.inputs.resources import Resources

MakeConfig = Callable[..., RunConfig]


@pytest.mark.parametrize("limit", [None, 25])
def test_labels_are_those_of_the_scored_examples(
    small_config: MakeConfig, resources: Resources, limit: int | None
) -> None:
    values = small_config().model_dump()
    values["tasks"]["sts"]["dev_limit"] = limit
    config = RunConfig.model_validate(values)
    for name, data in resources.task_data(config).items():
        gold = dev_gold(config, name)
        assert gold.dtype == data.dev.labels.dtype  # type: ignore[union-attr]
        assert np.array_equal(gold, data.dev.labels)  # type: ignore[arg-type]
    assert len(dev_gold(config, "sts")) == (limit or 60)
