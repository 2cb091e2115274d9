"""Read what a folder in Hugging Face layout says about its tokenizer: class, settings and added tokens.

Besides ``tokenizer.json`` or ``vocab.txt``, up to four files say how transformers would build the tokenizer:
``tokenizer_config.json``, ``config.json``, ``special_tokens_map.json`` and ``added_tokens.json``. What would give other
ids than transformers' AutoTokenizer is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import AddedToken

from data.errors import UserError

__all__ = ["SETTINGS", "TOKENIZER_FILES", "TokenizerSettings"]

SETTINGS = "tokenizer_config.json"
_SPECIAL_MAP, _ADDED, _MODEL = "special_tokens_map.json", "added_tokens.json", "config.json"

TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", SETTINGS, _SPECIAL_MAP, _ADDED)
"""Names of all files that a tokenizer may be read from, besides the class that ``config.json`` may name."""

_WHOLE = frozenset({"PreTrainedTokenizerFast", "TokenizersBackend"})  # tokenizer.json is all they read
_BERT = frozenset(
    f"{name}Tokenizer{fast}" for name in ("Bert", "DistilBert", "Electra", "MobileBert") for fast in ("", "Fast")
)
_NAMED = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
_EXTRA = ("additional_special_tokens", "extra_special_tokens")
_FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")


@dataclass(frozen=True)
class TokenizerSettings:
    """What the files of a folder say about its tokenizer.

    Attributes:
        is_bert: whether the class builds BERT's own WordPiece tokenizer, rather than whatever ``tokenizer.json`` holds.
        values: the entries of ``tokenizer_config.json``.
        added: tokens besides the vocabulary's, in the order of their ids, each with the id and file that name it, or
            None and the file.
    """

    is_bert: bool
    values: Mapping[str, Any]
    added: tuple[tuple[AddedToken, int | None, Path], ...]

    @classmethod
    def read(cls, folder: Path) -> TokenizerSettings:
        """Read the files of a folder; those that are missing say nothing.

        Raises:
            UserError: if a file cannot be read, names a tokenizer class that is not BERT's, or gives one of BERT's
                special tokens another name.
        """
        values = _read(folder / SETTINGS)
        name, path = values.get("tokenizer_class"), folder / SETTINGS
        if name is None:
            name, path = _read(folder / _MODEL).get("tokenizer_class"), folder / _MODEL
        if name is not None and name not in _BERT | _WHOLE:
            raise UserError(
                f"{path}: tokenizer_class '{name}' is not supported; it must be BertTokenizer, or "
                "PreTrainedTokenizerFast with a tokenizer.json"
            )
        added = {} if "added_tokens_decoder" in values else _read(folder / _ADDED)
        special = {} if "added_tokens_decoder" in values else _read(folder / _SPECIAL_MAP)
        _check_names(folder, values, special)
        extra = [
            (token, folder / file)
            for file, table in ((SETTINGS, values), (_SPECIAL_MAP, special))
            for key in _EXTRA
            for token in _extra_tokens(table.get(key), folder / file)
        ]
        # As in transformers 5: those of the older key in special_tokens_map.json match in any case, like plain tokens.
        plain = {token.content for token in _extra_tokens(special.get(_EXTRA[0]), folder / _SPECIAL_MAP)}
        contents = {token.content for token, path in extra if path.name == SETTINGS or token.content not in plain}
        try:
            numbered = [
                *_decoded(values.get("added_tokens_decoder") or {}, folder / SETTINGS),
                *((_plain(token, token in contents), int(number), folder / _ADDED) for token, number in added.items()),
            ]
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise UserError(f"{folder}: cannot read the tokenizer's added tokens: {error}") from error
        numbered.sort(key=lambda entry: entry[1])
        return cls(name not in _WHOLE, values, (*numbered, *((token, None, path) for token, path in extra)))

    def check_normaliser(self, normaliser: Mapping[str, Any] | None, path: Path) -> None:
        """Refuse a ``tokenizer.json`` that treats case or accents otherwise than ``tokenizer_config.json`` says.

        Args:
            normaliser: the part ``normalizer`` of the file.
            path: path of the file.

        Raises:
            UserError: naming both settings.
        """
        if not self.is_bert or not isinstance(normaliser, Mapping) or normaliser.get("type") != "BertNormalizer":
            return
        for setting, there in (
            ("do_lower_case", "lowercase"),
            ("strip_accents", "strip_accents"),
            ("tokenize_chinese_chars", "handle_chinese_chars"),
        ):
            if setting in self.values and there in normaliser and self.values[setting] != normaliser[there]:
                ours, theirs = json.dumps(self.values[setting]), json.dumps(normaliser[there])
                raise UserError(
                    f"{path}: its normalizer has {there} = {theirs}, but {SETTINGS} says {setting} = {ours}; "
                    "make them agree"
                )


def _read(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file; empty if there is no such file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: cannot read the tokenizer: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: cannot read the tokenizer: must contain a JSON object, got {type(content).__name__}")
    return content


def _check_names(folder: Path, values: Mapping[str, Any], special: Mapping[str, Any]) -> None:
    for file, table in ((SETTINGS, values), (_SPECIAL_MAP, special)):
        for key, usual in _NAMED.items():
            name = _content(table.get(key, usual))
            if name not in (usual, None):
                raise UserError(f"{folder / file}: {key} must be '{usual}', got '{name}'; no other name is supported")


def _content(token: object) -> object:
    return token.get("content") if isinstance(token, Mapping) else token


def _decoded(table: Mapping[str, Mapping[str, Any]], path: Path) -> Iterable[tuple[AddedToken, int, Path]]:
    for number, token in table.items():
        yield _flagged(token), int(number), path


def _flagged(token: Mapping[str, Any], **flags: bool) -> AddedToken:
    return AddedToken(token["content"], **{flag: token[flag] for flag in _FLAGS if flag in token} | flags)


def _plain(content: Any, special: bool) -> AddedToken:
    return AddedToken(content, normalized=not special, special=special)


def _extra_tokens(tokens: object, path: Path) -> list[AddedToken]:
    try:
        listed = [] if tokens is None else tokens if isinstance(tokens, list) else [tokens]
        return [
            _flagged(token, special=True) if isinstance(token, Mapping) else _plain(token, special=True)
            for token in listed
        ]
    except (TypeError, KeyError) as error:
        raise UserError(f"{path}: cannot read the tokenizer's added tokens: must be texts, got {tokens!r}") from error
