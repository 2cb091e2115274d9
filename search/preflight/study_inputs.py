"""Hold the content of all that a study trains from in one value, from the checks before the first trial on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.model_files.encoder_content import EncoderContent
from search.preflight.data_parts import DataParts

__all__ = ["UNKNOWN_INPUTS", "StudyInputs"]


@dataclass(frozen=True)
class StudyInputs:
    """What a study trains from, by content. What is not known is not compared with what is recorded.

    Attributes:
        data_digest: SHA-256 over the bytes of all data that any trial may read, 64 hex digits; None: unknown.
        splits_digest: SHA-256 over the bytes of the tasks' own files, for commands that read only these; None: unknown.
        data_parts: the data as parsed, which may be the same where the bytes are not; None: unknown.
        encoders: content of the study's encoders by name, as far as it is known.
    """

    data_digest: str | None = None
    splits_digest: str | None = None
    data_parts: DataParts | None = None
    encoders: Mapping[str, EncoderContent] = field(default_factory=dict)


UNKNOWN_INPUTS = StudyInputs()
