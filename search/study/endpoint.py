"""Choose the endpoint of a language model: ``[endpoint]`` of a study file, and options of the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data.augmentation.rephrasing.endpoint_settings import EndpointSettings
from data.errors import UserError
from search.parsing.pydantic_messages import validated

__all__ = ["ENDPOINT", "choose_endpoint"]

ENDPOINT = ("endpoint",)


def choose_endpoint(of_study: EndpointSettings | None, options: Mapping[str, Any]) -> EndpointSettings:
    """Return the study's endpoint with the options of the command line applied.

    Args:
        of_study: the study file's; None if it has none.
        options: by field; None keeps the study's.

    Raises:
        UserError: if neither gives an address, or an option is wrong.
    """
    table = {} if of_study is None else of_study.model_dump()
    table |= {name: value for name, value in options.items() if value is not None}
    if "base_url" not in table:
        raise UserError(
            "no endpoint given: pass --endpoint URL, such as http://localhost:11434/v1, or add [endpoint] with "
            "base_url to the study file"
        )
    return validated(EndpointSettings, table, ENDPOINT)
