"""Build a WordPiece vocabulary from the training sentences, for an encoder that starts from random weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import chain, repeat

from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors, trainers
from tokenizers.models import WordPiece

from data.errors import UserError

__all__ = ["SPECIAL_TOKENS", "build_wordpiece"]

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
"""Their ids are 0 to 4."""

_SMALLEST = 32  # entries: the special tokens and 13 characters


def build_wordpiece(sentences: Iterable[str], vocab_size: int) -> Tokenizer:
    """Build a lower-casing BERT tokenizer whose vocabulary is learnt from the sentences.

    The same sentences give the same vocabulary in every process, in any order.

    Args:
        sentences: the text to learn from.
        vocab_size: upper bound on the entries, including the five special tokens; at least 32. Little text gives fewer.
            If not every character fits, the rarest become [UNK].

    Raises:
        UserError: if vocab_size is too small or there is no text.
    """
    if vocab_size < _SMALLEST:
        raise UserError(f"vocab_size must be >= {_SMALLEST}, got {vocab_size}")
    words = _count_words(sentences)
    if not words:
        raise UserError("cannot build a vocabulary: the sentences contain no text")
    return _bert_tokenizer(WordPiece(_learn(words, vocab_size), unk_token="[UNK]"))


def _count_words(sentences: Iterable[str]) -> Counter[str]:
    """Count each word of the text, as BERT splits and lower-cases it."""
    blank = _bert_tokenizer(WordPiece({token: i for i, token in enumerate(SPECIAL_TOKENS)}, unk_token="[UNK]"))
    normaliser, splitter = blank.normalizer, blank.pre_tokenizer
    return Counter(word for text in sentences for word, _ in splitter.pre_tokenize_str(normaliser.normalize_str(text)))


def _learn(words: Mapping[str, int], vocab_size: int) -> dict[str, int]:
    """Learn the vocabulary with the library's trainer: token -> id."""
    characters = _frequent_characters(words, limit=(vocab_size - len(SPECIAL_TOKENS)) // 2)
    # The trainer numbers the '##' characters in the order of a randomly seeded hash table, and breaks ties between
    # merges by number, so two processes would learn different vocabularies. Special tokens are numbered first, in the
    # given order; therefore, only for the trainer, characters are special tokens.
    pieces = [*characters, *(f"##{character}" for character in characters)]
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size, special_tokens=[*SPECIAL_TOKENS, *pieces], show_progress=False
    )
    alphabet = set(characters)
    known = sorted(word for word in words if alphabet.issuperset(word))
    scratch = Tokenizer(WordPiece(unk_token="[UNK]"))
    scratch.train_from_iterator(chain.from_iterable(repeat(word, words[word]) for word in known), trainer)
    return scratch.get_vocab()


def _frequent_characters(words: Mapping[str, int], limit: int) -> list[str]:
    """Return the most frequent characters, at most ``limit``, in the order of their code points."""
    counts: Counter[str] = Counter()
    for word, count in words.items():
        for character in word:
            counts[character] += count
    return sorted(sorted(counts, key=lambda character: (-counts[character], character))[:limit])


def _bert_tokenizer(model: WordPiece) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[(token, SPECIAL_TOKENS.index(token)) for token in ("[CLS]", "[SEP]")],
    )
    return tokenizer
