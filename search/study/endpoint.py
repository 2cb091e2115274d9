"""Which endpoint a language model is asked at: ``[endpoint]`` of a study file, and options of the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from data.augmentation.rephrasing.endpoint_settings import EndpointSettings
from data.errors import UserError
from search.parsing.pydantic_messages import study_file_error

__all__ = ["choose_endpoint", "parse_endpoint"]


def parse_endpoint(table: Mapping[str, Any]) -> EndpointSettings:
    """The settings in a study file's ``[endpoint]``.

    Raises:
        StudyFileError: under ``endpoint``; a value that may be a key is not quoted.
    """
    try:
        return EndpointSettings.model_validate(table)
    except ValidationError as error:
        raise study_file_error(error, ("endpoint",), EndpointSettings) from None


def choose_endpoint(of_study: EndpointSettings | None, options: Mapping[str, Any]) -> EndpointSettings:
    """The study's endpoint with what the user said on the command line.

    Args:
        of_study: None if the study names none.
        options: by field; None leaves the study's.

    Raises:
        UserError: if neither names an address; as :func:`parse_endpoint` for the options.
    """
    table = {} if of_study is None else of_study.model_dump()
    table |= {name: value for name, value in options.items() if value is not None}
    if "base_url" not in table:
        raise UserError(
            "no endpoint to ask: give --endpoint URL, such as http://localhost:11434/v1, or write [endpoint] with "
            "base_url into the study file"
        )
    return parse_endpoint(table)
