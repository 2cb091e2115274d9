"""Parse sentiment trees in PTB brackets, one sentence per line: ``(3 (2 The) (4 (3 gorgeous) (2 film)))``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from data.errors import UserError
from data.files import read_bytes
from data.tables.text_files import NOT_UTF8, decode_text, not_utf8

__all__ = ["Phrase", "Tree", "read_trees"]

_LABELS = ("0", "1", "2", "3", "4")

# Words end only at ASCII blanks: some contain a no-break space, as in "2\u00a01\\/2".
_TOKEN = re.compile(r"[()]|[^() \t]+")


@dataclass(frozen=True)
class Phrase:
    """A labelled node: ``words[start:end]`` of its tree, label 0 (very negative) to 4 (very positive)."""

    label: int
    start: int
    end: int


@dataclass(frozen=True)
class Tree:
    """A sentence and its phrases.

    Attributes:
        line: its line in the file, from 1.
        words: its words as in the file; nothing is unescaped.
        phrases: all nodes, inner ones before outer ones, left before right; the last one is the whole sentence.
    """

    line: int
    words: tuple[str, ...]
    phrases: tuple[Phrase, ...]

    def text(self, phrase: Phrase) -> str:
        """Return the words of a phrase with one space between them."""
        return " ".join(self.words[phrase.start : phrase.end])


def read_trees(path: Path) -> list[Tree]:
    """Read the trees of a file, skipping empty lines.

    Raises:
        UserError: if the file is missing or contains no tree, and for a malformed line, as 'file:line: reason'.
    """
    if not path.is_file():
        raise UserError(f"no such file of trees: '{path}'")
    trees: list[Tree] = []
    # Only at line feeds: str.splitlines would also split at control characters and separators inside words.
    for line, text in enumerate(decode_text(read_bytes(path), str(path)).split("\n"), start=1):
        try:
            if (found := NOT_UTF8.search(text)) is not None:
                raise _MalformedTreeError(not_utf8(found[0]))
            if text := text.strip(" \t\r"):
                trees.append(_Parser().parse(text, line))
        except _MalformedTreeError as fault:
            raise UserError(f"{path}:{line}: {fault}") from fault
    if not trees:
        raise UserError(f"{path}: the file contains no trees")
    return trees


class _MalformedTreeError(ValueError):
    """Why a line is not a tree."""


@dataclass
class _Node:
    """A bracket that is still open."""

    start: int
    label: int | None = None
    has_word: bool = False
    has_subtrees: bool = False


class _Parser:
    """A parser of one tree with an explicit stack, so that deep trees cannot exhaust Python's."""

    def __init__(self) -> None:
        self._open: list[_Node] = []
        self._words: list[str] = []
        self._phrases: list[Phrase] = []
        self._done = False

    def parse(self, text: str, line: int) -> Tree:
        """Parse the tree in a non-empty line."""
        for token in _TOKEN.findall(text):
            if self._done:
                raise _MalformedTreeError(f"unexpected '{token[:20]}' after the end of the tree")
            if token == "(":
                self._open_node()
            elif not self._open:
                raise _MalformedTreeError(f"the tree must begin with '(', got '{token[:20]}'")
            elif token == ")":
                self._close_node(self._open.pop())
            else:
                self._add(token, self._open[-1])
        if not self._done:
            raise _MalformedTreeError(f"{len(self._open)} unclosed bracket(s)")
        return Tree(line, tuple(self._words), tuple(self._phrases))

    def _open_node(self) -> None:
        if self._open:
            parent = self._open[-1]
            if parent.label is None:
                raise _MalformedTreeError("a phrase has no label before its first part")
            if parent.has_word:
                raise _MalformedTreeError("a phrase has both a word and parts")
            parent.has_subtrees = True
        self._open.append(_Node(start=len(self._words)))

    def _add(self, token: str, node: _Node) -> None:
        """Add a token: the label if the node has none yet, else a word."""
        if node.label is None:
            if token not in _LABELS:
                raise _MalformedTreeError(f"label must be 0 to 4, got '{token[:20]}'")
            node.label = int(token)
        elif node.has_word:
            raise _MalformedTreeError(f"two words in one bracket: '{self._words[-1][:20]}' and '{token[:20]}'")
        elif node.has_subtrees:
            raise _MalformedTreeError("a phrase has both a word and parts")
        else:
            node.has_word = True
            self._words.append(token)

    def _close_node(self, node: _Node) -> None:
        if node.label is None:
            raise _MalformedTreeError("a phrase has no label")
        if not (node.has_word or node.has_subtrees):
            raise _MalformedTreeError("a phrase has no words")
        self._phrases.append(Phrase(node.label, node.start, len(self._words)))
        self._done = not self._open
