from pathlib import Path

import pytest

from data.augmentation.sentiment_trees import Phrase, read_trees
from data.errors import UserError


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "trees.txt"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_phrases_of_a_tree(tmp_path: Path) -> None:
    (tree,) = read_trees(write(tmp_path, "(3 (2 The) (4 (3 gorgeous) (2 film)))\n"))
    assert tree.words == ("The", "gorgeous", "film")
    assert tree.phrases == (Phrase(2, 0, 1), Phrase(3, 1, 2), Phrase(2, 2, 3), Phrase(4, 1, 3), Phrase(3, 0, 3))
    assert [tree.text(phrase) for phrase in tree.phrases] == [
        "The",
        "gorgeous",
        "film",
        "gorgeous film",
        "The gorgeous film",
    ]


def test_words_are_cut_at_ascii_blanks_and_lines_at_line_feeds_only(tmp_path: Path) -> None:
    """Catches str.split and str.splitlines, which lose words with no-break spaces and cut lines at U+2028 or U+0085."""
    trees = read_trees(write(tmp_path, "(2 (2 2\u00a01\\/2)\t(2 a\u2028b\u0085c))\r\n\n  (1 bad)"))
    assert [tree.words for tree in trees] == [("2\u00a01\\/2", "a\u2028b\u0085c"), ("bad",)]
    assert [tree.line for tree in trees] == [1, 3]


def test_escapes_stay(tmp_path: Path) -> None:
    (tree,) = read_trees(write(tmp_path, "(2 (2 -LRB-) (2 (2 ``) (2 it) (2 '') (2 -RRB-)))"))
    assert tree.words == ("-LRB-", "``", "it", "''", "-RRB-")


def test_more_than_two_parts_and_blanks_around_brackets(tmp_path: Path) -> None:
    (tree,) = read_trees(write(tmp_path, "\ufeff( 2 ( 2 a )( 2 b )  (2 c) )"))
    assert tree.words == ("a", "b", "c")


def test_a_deep_tree_does_not_exhaust_the_stack(tmp_path: Path) -> None:
    """Catches a recursive parser."""
    (tree,) = read_trees(write(tmp_path, "(2 " * 20_000 + "x" + ")" * 20_000))
    assert len(tree.phrases) == 20_000


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("The film .", r"must begin with '\(', got 'The'"),
        ("(2 (2 a) (2 b)", r"1 unclosed bracket\(s\)"),
        ("(2 a))", r"'\)' after the end"),
        ("(2 a) (2 b)", r"'\(' after the end"),
        (")", r"must begin with '\('"),
        ("(5 a)", "label must be 0 to 4, got '5'"),
        ("(good a)", "label must be 0 to 4, got 'good'"),
        ("(-1 a)", "label must be 0 to 4, got '-1'"),
        ("(\u00b2 a)", "must be 0 to 4"),  # int() refuses it, but str.isdigit does not
        ("(2)", "a phrase has no words"),
        ("()", "a phrase has no label"),
        ("((2 a) (2 b))", "a phrase has no label"),
        ("(2 a b)", "two words in one bracket: 'a' and 'b'"),
        ("(2 a (2 b))", "both a word and parts"),
        ("(2 (2 a) b)", "both a word and parts"),
    ],
)
def test_malformed_lines(tmp_path: Path, line: str, why: str) -> None:
    with pytest.raises(UserError, match=rf"trees\.txt:2: .*{why}"):
        read_trees(write(tmp_path, f"(2 fine)\n{line}\n"))


def test_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"trees\.txt:2: byte 0xe9 is not UTF-8"):
        read_trees(write(tmp_path, b"(2 fine)\n(2 caf\xe9)\n"))


def test_missing_and_empty_files(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file of trees"):
        read_trees(tmp_path / "none.txt")
    with pytest.raises(UserError, match="the file contains no trees"):
        read_trees(write(tmp_path, "\n \n"))
