"""The encoders that a study names: folders become absolute when they are given, to be found from anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from search.space.parsing import read_space
from search.study.spec import StudySpec

__all__ = [
    "absolute_encoder",
    "named_encoders",
    "recorded_names",
    "with_absolute_folders",
    "with_encoder_names",
    "with_moved_encoders",
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
    model = spec.base.model
    base = spec.base.model_copy(
        update={"model": model.model_copy(update={"encoder": names.get(model.encoder, model.encoder)})}
    )
    table = spec.space.to_json()
    renamed = _renamed(table, names)
    first = tuple(
        replace(trial, params={**trial.params, _SETTING: names.get(trial.params[_SETTING], trial.params[_SETTING])})
        if _SETTING in trial.params
        else trial
        for trial in spec.first_trials
    )
    space = spec.space if renamed == table else read_space(renamed, base)
    return replace(spec, base=base, space=space, first_trials=first)


def recorded_names(identity: Mapping[str, Any]) -> list[str]:
    """Return the names of all encoders in what a storage has of a study (:meth:`StudySpec.identity`)."""
    return list(dict.fromkeys([identity["base"]["model"]["encoder"], *_names(identity["space"])]))


def with_moved_encoders(identity: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return what a storage has of a study, with other names for the encoders of its base and its variants.

    Choices of a space keep theirs, because the values of recorded trials refer to them.
    """
    base = identity["base"]
    encoder = names.get(base["model"]["encoder"], base["model"]["encoder"])
    space = {
        path: _renamed(entry, names) if "variants" in entry else entry for path, entry in identity["space"].items()
    }
    return {**identity, "base": {**base, "model": {**base["model"], "encoder": encoder}}, "space": space}


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
