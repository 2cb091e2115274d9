import pytest

from core.model_files.formats import names
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
        "there is no format 'transformer'; the formats are transformers, sentence-transformers, onnx and "
        "onnx-int8; did you mean 'transformers'?"
    )


def test_packages_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "find_spec", lambda package: None if package == "onnxscript" else package)
    assert parse_formats(["transformers"]) == ["transformers"]
    with pytest.raises(UserError) as refused:
        parse_formats(["transformers", "onnx-int8"])
    assert str(refused.value) == ("format 'onnx-int8' needs onnxscript: pip install -c constraints.txt -e '.[onnx]'")


def test_a_version_that_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onnxruntime.__version__", "1.9.2")
    with pytest.raises(UserError) as refused:
        parse_formats(["onnx"])
    assert str(refused.value) == (
        "format 'onnx' needs onnxruntime 1.32 or later, found 1.9.2: pip install -c constraints.txt -e '.[onnx]'"
    )
