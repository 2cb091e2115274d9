"""Names of the formats that tasks, or the whole model, are written in. It does not import torch."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from typing import Final, Literal, get_args

from packaging.version import Version

from data.errors import UserError, did_you_mean

__all__ = ["FormatName", "check_onnx", "parse_formats"]

FormatName = Literal["transformers", "sentence-transformers", "onnx", "onnx-int8"]

_NAMES: Final[dict[str, FormatName]] = {name: name for name in get_args(FormatName)}
_PACKAGES: Final = ("onnx", "onnxruntime", "onnxscript")
_LEAST_RUNTIME: Final = "1.32"  # earlier ones fail on graphs of some heads, and cannot quantise
_INSTALL: Final = "pip install -c constraints.txt -e '.[onnx]'"


def parse_formats(words: Iterable[str]) -> list[FormatName]:
    """Return the names, each once, in the given order.

    Raises:
        UserError: if one is unknown, or needs packages that are not installed, or a later version.
    """
    names = []
    for word in dict.fromkeys(words):
        if word not in _NAMES:
            hint = did_you_mean(word, _NAMES)
            *others, last = _NAMES
            raise UserError(f"there is no format '{word}'; the formats are {', '.join(others)} and {last}{hint}")
        names.append(_NAMES[word])
    asked = next((name for name in names if name.startswith("onnx")), None)
    if asked is not None:
        check_onnx(f"format '{asked}'", _PACKAGES)
    return names


def check_onnx(what: str, packages: Iterable[str] = ("onnxruntime",)) -> None:
    """Check that packages of the extra ``onnx`` are installed, and that onnxruntime is recent enough.

    Args:
        what: what needs them, for the message.
        packages: onnxruntime, and others.

    Raises:
        UserError: if not.
    """
    if missing := [package for package in packages if find_spec(package) is None]:
        raise UserError(f"{what} needs {' and '.join(missing)}: {_INSTALL}")
    import onnxruntime

    if Version(onnxruntime.__version__) < Version(_LEAST_RUNTIME):
        found = onnxruntime.__version__
        raise UserError(f"{what} needs onnxruntime {_LEAST_RUNTIME} or later, found {found}: {_INSTALL}")
