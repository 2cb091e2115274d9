"""Load and save BERT's tokenizer in a folder in Hugging Face layout, with the ``tokenizers`` library.

Sentences are encoded without special tokens, truncation and padding, because rows are assembled per batch
(:mod:`data.rows`). ``encode_batch`` runs in parallel on the library's own threads. Its environment variable
TOKENIZERS_PARALLELISM is left to the user, because the library protects forked processes only if it is unset.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece

from data.errors import UserError
from data.tokenizer_settings import SETTINGS, TokenizerSettings

__all__ = [
    "SAVED_TOKENIZER",
    "SpecialIds",
    "load_tokenizer",
    "remove_tokenizer",
    "save_tokenizer",
    "special_ids",
    "tokenizer_files",
]

_TOKENIZER, _VOCABULARY = "tokenizer.json", "vocab.txt"
SAVED_TOKENIZER = (_TOKENIZER, _VOCABULARY, SETTINGS)
"""Names of the files that :func:`save_tokenizer` writes."""

_SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@dataclass(frozen=True)
class SpecialIds:
    """Ids of BERT's special tokens."""

    pad: int
    unk: int
    cls: int
    sep: int
    mask: int


def special_ids(tokenizer: Tokenizer) -> SpecialIds:
    """Return the ids of [PAD], [UNK], [CLS], [SEP] and [MASK].

    Raises:
        UserError: if one of them is not in the vocabulary.
    """
    found = {token: tokenizer.token_to_id(token) for token in _SPECIAL_TOKENS}
    missing = [token for token, index in found.items() if index is None]
    if missing:
        raise UserError(f"not a BERT tokenizer: its vocabulary has no {', '.join(missing)}")
    return SpecialIds(*(index for index in found.values() if index is not None))


def load_tokenizer(folder: Path) -> Tokenizer:
    """Load an encoder's tokenizer from ``tokenizer.json``, or from ``vocab.txt`` with ``tokenizer_config.json``.

    It returns the same ids as transformers' ``AutoTokenizer``, with the tokens that other files of the folder add.
    Truncation and padding are off.

    Raises:
        UserError: if neither file exists, a file cannot be read, the tokenizer is not BERT's, or the files contradict
            each other.
    """
    whole, vocabulary, settings = folder / _TOKENIZER, folder / _VOCABULARY, TokenizerSettings.read(folder)
    if whole.is_file():
        tokenizer = _from_json(whole)
        settings.check_normaliser(json.loads(tokenizer.to_str())["normalizer"], whole)
    elif not vocabulary.is_file():
        raise UserError(f"{folder}: no tokenizer; expected {_TOKENIZER} or {_VOCABULARY}")
    elif not settings.is_bert:
        raise UserError(f"{folder}: no {_TOKENIZER}, which {settings.values['tokenizer_class']} needs")
    else:
        tokenizer = _from_vocabulary(vocabulary, settings.values)
    _add_tokens(tokenizer, settings)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    try:
        special_ids(tokenizer)
    except UserError as error:
        raise UserError(f"{folder}: {error}") from error
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, folder: Path, max_length: int = 512) -> None:
    """Write ``tokenizer.json``, ``vocab.txt`` and ``tokenizer_config.json`` so that transformers loads it too.

    Args:
        tokenizer: a WordPiece tokenizer.
        folder: created if missing.
        max_length: the longest row of the encoder, tokens.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in _contents(tokenizer, max_length).items():
        (folder / name).write_text(content, encoding="utf-8")


def tokenizer_files(tokenizer: Tokenizer, max_length: int) -> dict[str, bytes]:
    """Return the files of a tokenizer with which other libraries make the rows of :mod:`data.rows`: name -> content.

    A checkpoint's tokenizer may put other special tokens around a sentence, which rows here do not have, or may not
    say that pairs have segments.

    Args:
        tokenizer: a WordPiece tokenizer.
        max_length: tokens of the longest row; the libraries cut longer ones if they are asked to.
    """
    plain = Tokenizer.from_str(tokenizer.to_str())
    plain.post_processor = _row_template(plain)
    contents = _contents(plain, max_length, model_input_names=["input_ids", "token_type_ids", "attention_mask"])
    return {name: content.encode() for name, content in contents.items()}


def remove_tokenizer(folder: Path) -> None:
    """Remove the files that :func:`save_tokenizer` writes, if they exist."""
    for name in SAVED_TOKENIZER:
        (folder / name).unlink(missing_ok=True)


def _contents(tokenizer: Tokenizer, max_length: int, **settings: Any) -> dict[str, str]:
    """Return the text of each file of :data:`SAVED_TOKENIZER`."""
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    tokens = sorted(vocabulary, key=lambda token: vocabulary[token])
    config = {
        **_class_settings(tokenizer.normalizer),
        "model_max_length": max_length,
        **{f"{token.strip('[]').lower()}_token": token for token in _SPECIAL_TOKENS},
        **settings,
    }
    return {
        _TOKENIZER: tokenizer.to_str(pretty=True),
        _VOCABULARY: "".join(f"{token}\n" for token in tokens),
        SETTINGS: json.dumps(config, indent=2) + "\n",
    }


def _row_template(tokenizer: Tokenizer) -> processors.TemplateProcessing:
    """Return what puts [CLS] and [SEP] around one sentence or two, with segment 1 from the second on."""
    return processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )


def _class_settings(normaliser: Any) -> dict[str, Any]:
    """Return the class of transformers that rebuilds the tokenizer: BertTokenizer has only BERT's own normaliser."""
    if not isinstance(normaliser, normalizers.BertNormalizer):
        return {"tokenizer_class": "PreTrainedTokenizerFast"}
    return {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": normaliser.lowercase,
        "strip_accents": normaliser.strip_accents,
        "tokenize_chinese_chars": normaliser.handle_chinese_chars,
    }


def _from_json(path: Path) -> Tokenizer:
    try:
        return Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except Exception as error:  # the library raises bare Exceptions
        raise UserError(f"{path}: cannot read the tokenizer: {error}") from error


def _add_tokens(tokenizer: Tokenizer, settings: TokenizerSettings) -> None:
    """Add the tokens that the settings name, each with the id that they give it.

    Raises:
        UserError: if a token would get another id, as transformers gives it too: its embedding would be a wrong one.
    """
    known = {token.content for token in tokenizer.get_added_tokens_decoder().values()}
    for token, number, path in settings.added:
        if token.content not in known:
            tokenizer.add_tokens([token])
            known.add(token.content)
        given = tokenizer.token_to_id(token.content)
        if number is not None and given != number:
            raise UserError(f"{path}: token '{token.content}' has id {number}, but its place is {given}")


def _from_vocabulary(vocabulary: Path, settings: Mapping[str, Any]) -> Tokenizer:
    """Build BERT's WordPiece tokenizer from the older files; settings missing there have BERT's defaults."""
    try:
        tokens = vocabulary.read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError) as error:
        raise UserError(f"{vocabulary.parent}: cannot read the tokenizer: {error}") from error
    if tokens[-1] == "":  # after the last line end, not a token
        tokens.pop()
    tokenizer = Tokenizer(WordPiece({token: index for index, token in enumerate(tokens)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=settings.get("tokenize_chinese_chars", True),
        strip_accents=settings.get("strip_accents"),
        lowercase=settings.get("do_lower_case", True),
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    tokenizer.add_special_tokens([token for token in _SPECIAL_TOKENS if token in set(tokens)])
    if "[CLS]" in tokens and "[SEP]" in tokens:
        tokenizer.post_processor = _row_template(tokenizer)
    return tokenizer
