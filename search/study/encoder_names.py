"""The encoders that a study names: folders become absolute when they are given, to be found from anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.config import RunConfig
from search.space.parsing import read_space
from search.study.first_trials import FirstTrial
from search.study.spec import StudySpec

__all__ = [
    "absolute_encoder",
    "named_encoders",
    "recorded_names",
    "with_absolute_folders",
    "with_encoder_names",
    "with_moved_encoders",
    "with_present_encoder",
    "with_recorded_choices",
]

_SETTING = "model.encoder"
_NO_FOLDERS = ("scratch", "minilm")
_VALUES = ("choices", "value")  # keys of an entry of the space that hold values of its setting


def absolute_encoder(name: str) -> str:
    """Return the absolute path of an encoder's folder, as it is found from here; any other name unchanged."""
    folder = Path(name).expanduser()
    if name in _NO_FOLDERS or not folder.is_dir():
        return name
    return str(folder.resolve() if ".." in folder.parts else folder.absolute())


def with_absolute_folders(spec: StudySpec) -> StudySpec:
    """Return a study in which every encoder's folder that exists is an absolute path."""
    return with_encoder_names(spec, {name: absolute_encoder(name) for name in named_encoders(spec)})


def named_encoders(spec: StudySpec) -> list[str]:
    """Return the names of all encoders of a study's runs, the base's first."""
    return list(dict.fromkeys([spec.base.model.encoder, *_names(spec.space.to_json())]))


def with_encoder_names(spec: StudySpec, names: Mapping[str, str]) -> StudySpec:
    """Return a study with other names for its encoders, in the base, the space and the first trials.

    Args:
        spec: the study.
        names: new names by their old ones; others stay.
    """
    if all(old == new for old, new in names.items()):
        return spec
    base, table = with_present_encoder(spec.base, names), spec.space.to_json()
    renamed = _renamed(table, names)
    space = spec.space if renamed == table else read_space(renamed, base)
    return replace(spec, base=base, space=space, first_trials=_renamed_trials(spec.first_trials, names))


def with_recorded_choices(spec: StudySpec, identity: Mapping[str, Any], moved: Mapping[str, str]) -> StudySpec:
    """Return a study whose space names encoders that have moved by the folders that they were recorded with.

    The values of recorded trials refer to these names. New runs are trained from the folders of the study's
    ``encoder_folders``, see :func:`with_present_encoder`.

    Args:
        spec: the study, whose space names the present folders.
        identity: what the storage has of it.
        moved: present names of encoders by recorded ones.
    """
    then, table = set(_names(_searched(identity["space"]))), spec.space.to_json()
    now = set(_names(_searched(table)))
    folders = {old: new for old, new in moved.items() if old in then - now and new in now - then}
    if not folders:
        return spec
    names = {new: old for old, new in folders.items()}
    space = read_space({**table, **_renamed(_searched(table), names)}, spec.base)
    return replace(
        spec,
        space=space,
        first_trials=_renamed_trials(spec.first_trials, names),
        encoder_folders={**spec.encoder_folders, **folders},
    )


def with_present_encoder(config: RunConfig, folders: Mapping[str, str]) -> RunConfig:
    """Return a run with the present name of its encoder, if the encoder has moved.

    Args:
        config: the run.
        folders: present names by recorded ones.
    """
    name = config.model.encoder
    if name not in folders:
        return config
    return config.model_copy(update={"model": config.model.model_copy(update={"encoder": folders[name]})})


def recorded_names(identity: Mapping[str, Any]) -> list[str]:
    """Return the names of all encoders in what a storage has of a study (:meth:`StudySpec.identity`)."""
    return list(dict.fromkeys([identity["base"]["model"]["encoder"], *_names(identity["space"])]))


def with_moved_encoders(identity: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return what a storage has of a study, with other names for the encoders of its base and its variants.

    Choices of a space keep theirs, because the values of recorded trials refer to them; see
    :func:`with_recorded_choices`.
    """
    base = identity["base"]
    encoder = names.get(base["model"]["encoder"], base["model"]["encoder"])
    space, choices = identity["space"], _searched(identity["space"])
    space = {path: entry if path in choices else _renamed(entry, names) for path, entry in space.items()}
    return {**identity, "base": {**base, "model": {**base["model"], "encoder": encoder}}, "space": space}


def _searched(space: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of a space that trials choose values of, without variants, whose names they choose."""
    return {path: entry for path, entry in space.items() if "variants" not in entry}


def _renamed_trials(trials: tuple[FirstTrial, ...], names: Mapping[str, str]) -> tuple[FirstTrial, ...]:
    return tuple(
        replace(trial, params={**trial.params, _SETTING: names.get(trial.params[_SETTING], trial.params[_SETTING])})
        if _SETTING in trial.params
        else trial
        for trial in trials
    )


def _names(tree: Any, *, is_value: bool = False) -> Iterator[str]:
    if isinstance(tree, Mapping):
        for key, part in tree.items():
            yield from _names(part, is_value=key == _SETTING or (is_value and key in _VALUES))
    elif isinstance(tree, list):
        for part in tree:
            yield from _names(part, is_value=is_value)
    elif is_value and isinstance(tree, str):
        yield tree


def _renamed(tree: Any, names: Mapping[str, str], *, is_value: bool = False) -> Any:
    if isinstance(tree, Mapping):
        return {
            key: _renamed(part, names, is_value=key == _SETTING or (is_value and key in _VALUES))
            for key, part in tree.items()
        }
    if isinstance(tree, list):
        return [_renamed(part, names, is_value=is_value) for part in tree]
    return names.get(tree, tree) if is_value and isinstance(tree, str) else tree
