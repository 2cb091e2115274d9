"""Hold the content of all that a study trains from in one value, from the checks before the first trial on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.inputs.data_content import DataContent
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
        files: SHA-256 of the bytes of each file of further examples or NLI pairs, by its path in the configuration.
    """

    data_digest: str | None = None
    splits_digest: str | None = None
    data_parts: DataParts | None = None
    encoders: Mapping[str, EncoderContent] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> DataContent | None:
        """What trials compare their data with; None: unknown."""
        return None if self.data_parts is None else DataContent(self.data_parts, self.files)


UNKNOWN_INPUTS = StudyInputs()
