import pytest

from core.model_files.formats.names import parse_formats
from data.errors import UserError


def test_each_once_in_the_given_order() -> None:
    both = ["sentence-transformers", "transformers"]
    assert parse_formats([*both, "transformers"]) == both
    assert parse_formats([]) == []


def test_an_unknown_name() -> None:
    with pytest.raises(UserError) as refused:
        parse_formats(["transformer"])
    assert str(refused.value) == (
        "there is no format 'transformer'; the formats are transformers and sentence-transformers; "
        "did you mean 'transformers'?"
    )
