"""Mistakes in [endpoint] of a study file."""

from pathlib import Path

import pytest

from data.augmentation.rephrasing.endpoint_settings import EndpointSettings
from tests.search.study_texts import MINIMAL, message

MISTAKES = [
    (MINIMAL + "[endpoint]\nattempts = 3\n", "study.toml:9: endpoint.base_url: is missing"),
    (
        MINIMAL + '[endpoint]\nbase_url = "http://host/v1"\nkey_variable = "sk-1"\n',
        "study.toml:11: endpoint.key_variable: must be the name of an environment variable, not the key itself",
    ),
    (
        MINIMAL + '[endpoint]\nbase_url = "http://host/v1"\napi_key = "sk-1"\n',
        "study.toml:11: endpoint.api_key: unknown key; known: " + ", ".join(EndpointSettings.model_fields),
    ),
]


@pytest.mark.parametrize(("text", "expected"), MISTAKES)
def test_mistakes_in_the_endpoint(tmp_path: Path, text: str, expected: str) -> None:
    assert message(tmp_path, text) == expected
