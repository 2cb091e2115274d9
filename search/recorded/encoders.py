"""What a recorded study trained from: its encoders by name and content, compared with what they are now."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from core.config import RunConfig
from core.model_files.encoder_content import EncoderContent
from data.errors import UserError
from search.study.encoder_names import absolute_encoder, recorded_names, with_encoder_names, with_present_encoder
from search.study.spec import StudySpec

__all__ = [
    "ENCODERS",
    "by_recorded_name",
    "changed_encoders",
    "check_same_encoders",
    "encoder_record",
    "moved_encoders",
    "present_folders",
    "recorded_encoders",
    "with_one_name",
    "with_recorded_names",
]

ENCODERS = "encoders"


def recorded_encoders(attrs: Mapping[str, Any]) -> dict[str, EncoderContent]:
    """Return the content of each encoder by its name, from a study's user attributes; empty in an older study."""
    return {name: EncoderContent.from_json(content) for name, content in attrs.get(ENCODERS, {}).items()}


def encoder_record(attrs: Mapping[str, Any], now: Mapping[str, EncoderContent]) -> dict[str, Any]:
    """Return what to store as :data:`ENCODERS`: what is stored, and encoders that are named for the first time."""
    stored: dict[str, Any] = attrs.get(ENCODERS, {})
    return {**stored, **{name: content.to_json() for name, content in now.items() if name not in stored}}


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


def with_one_name(config: RunConfig, *attrs: Mapping[str, Any]) -> RunConfig:
    """Return a run with the first name that its encoder was recorded with, so that equal runs are equal.

    An encoder has several names if its folder has moved.

    Args:
        config: the run.
        attrs: user attributes of the studies that name the encoder.
    """
    recorded = {name: content for one in attrs for name, content in recorded_encoders(one).items()}
    own = recorded.get(config.model.encoder)
    first = next((name for name in recorded if own is not None and not own.changes(recorded[name])), None)
    return config if first is None else with_present_encoder(config, {config.model.encoder: first})


def present_folders(
    study: str,
    attrs: Mapping[str, Any],
    named: Iterable[str],
    given: Iterable[str],
    again: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, str]:
    """Find the encoders of a recorded study whose folders have moved.

    Args:
        study: name of the study.
        attrs: its user attributes.
        named: the encoders to find, by the names that runs were recorded with.
        given: folders where the user says that encoders are now; others under which the study has gone on are known.
        again: user attributes of the study that trains the runs again; if no folder is there, its names are taken.

    Returns:
        Present names by the recorded ones; without encoders that are where they were.

    Raises:
        UserError: a given folder is no encoder of the study, or cannot be read.
    """
    recorded = recorded_encoders(attrs)
    found: dict[str, str] = {}
    moved = [name for name in named if name != "scratch" and not Path(name).is_dir()]
    for folder in map(absolute_encoder, given):
        content = EncoderContent.read(Path(folder))
        same = [name for name in recorded if not recorded[name].changes(content)]
        if not same and recorded:
            raise UserError(
                f"--model {folder}: none of the encoders of study '{study}' has this content; it was trained from "
                f"{', '.join(map(repr, recorded))}"
            )
        if not recorded:
            warnings.warn(
                f"study '{study}' began before the content of encoders was recorded: whether '{folder}' is the encoder "
                "that it was trained from cannot be checked",
                stacklevel=2,
            )
        found |= {name: folder for name in moved if name in same or not recorded}
    own = recorded_encoders(again)
    known = {**recorded, **own}
    for name in (one for one in moved if one in recorded and one not in found):
        same = [other for other in known if not recorded[name].changes(known[other])]
        places = [other for other in same if Path(other).is_dir()] or [other for other in same if other in own]
        found |= {name: places[0]} if places else {}
    return found


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
