"""What a recorded study trained from: its encoders by name and content, compared with what they are now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.model_files.encoder_content import EncoderContent
from data.errors import UserError
from search.study.encoder_names import absolute_encoder, recorded_names, with_encoder_names
from search.study.spec import StudySpec

__all__ = [
    "ENCODERS",
    "by_recorded_name",
    "changed_encoders",
    "check_same_encoders",
    "encoder_record",
    "moved_encoders",
    "recorded_encoders",
    "with_recorded_names",
]

ENCODERS = "encoders"


def recorded_encoders(attrs: Mapping[str, Any]) -> dict[str, EncoderContent]:
    """Return the content of each encoder by its name, from a study's user attributes; empty in an older study."""
    return {name: EncoderContent.from_json(content) for name, content in attrs.get(ENCODERS, {}).items()}


def encoder_record(attrs: Mapping[str, Any], now: Mapping[str, EncoderContent]) -> dict[str, Any]:
    """Return what to store as :data:`ENCODERS`: what is stored, and encoders that are named for the first time."""
    stored: dict[str, Any] = attrs.get(ENCODERS, {})
    return {**{name: content.to_json() for name, content in now.items()}, **stored}


def changed_encoders(attrs: Mapping[str, Any], now: Mapping[str, EncoderContent]) -> list[str]:
    """Return a phrase for each encoder whose content is no longer the recorded one."""
    return [
        f"encoder '{name}' has changed (other {' and '.join(changes)})"
        for name, content in recorded_encoders(attrs).items()
        if name in now and (changes := content.changes(now[name]))
    ]


def check_same_encoders(study: str, attrs: Mapping[str, Any], now: Mapping[str, EncoderContent]) -> None:
    """Refuse to train a study's configurations again from encoders that have changed since.

    Args:
        study: name of the study.
        attrs: its user attributes.
        now: content of the encoders by name, as they are now.

    Raises:
        UserError: naming the encoder and the part that differs.
    """
    if changes := changed_encoders(attrs, now):
        raise UserError(
            f"{changes[0]} since study '{study}' began, so new runs could not be compared with its trials; "
            "put the original files back"
        )


def moved_encoders(attrs: Mapping[str, Any], now: Mapping[str, EncoderContent]) -> dict[str, str]:
    """Return the present names of recorded encoders that have the same content under another name."""
    return {
        old: new
        for old, content in recorded_encoders(attrs).items()
        for new, present in now.items()
        if old not in now and not content.changes(present)
    }


def with_recorded_names(spec: StudySpec, identity: Mapping[str, Any]) -> StudySpec:
    """Return a study with the names that its encoders were recorded with, if they mean the same folders.

    Earlier versions recorded folders as they were written, relative to where the command was run. A study goes on with
    these names, because its trials are compared by them.

    Args:
        spec: the study, in which folders are absolute.
        identity: what the storage has of it.
    """
    return with_encoder_names(spec, {absolute_encoder(name): name for name in recorded_names(identity)})


def by_recorded_name(encoders: Mapping[str, EncoderContent], identity: Mapping[str, Any]) -> dict[str, EncoderContent]:
    """Return the content of encoders under the names of :func:`with_recorded_names`."""
    names = {absolute_encoder(name): name for name in recorded_names(identity)}
    return {names.get(absolute_encoder(name), name): content for name, content in encoders.items()}
