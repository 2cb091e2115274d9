"""Further training examples are looked at before a study starts, for all that its trials can have."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from core.inputs.augmentation import TaskAugmentation
from data.augmentation.wordnet import WordNet
from data.errors import UserError
from data.reading import read_split
from data.task_files import builtin_tasks
from search.preflight.data import DataReport, check_data
from search.study.file import load_study
from search.study.spec import StudySpec
from tests.search.preflight.augmented_studies import Studies

Check = Callable[[StudySpec], DataReport]


def test_without_sources_nothing_changes(studies: Studies) -> None:
    """Studies that were recorded before there were any continue."""
    spec = studies.study()
    assert studies.check(spec) == check_data(spec.base)


def test_a_file_in_the_base(studies: Studies) -> None:
    base = 'augmentation.sst.extra = { path = "more.csv", fraction = 1.0 }'
    where = "study.toml:4: base.augmentation.sst.extra.path: "
    assert studies.refusal(studies.study(base)) == f"{where}task 'sst': no file of extra examples 'data/more.csv'"
    studies.extra("more.csv", ("quite new", 3), label="mood")
    assert studies.refusal(studies.study(base)).startswith(f"{where}data/more.csv: no column 'sentiment'; the header")
    studies.extra("more.csv", ("quite new", 9), ("also new", 1))
    assert studies.refusal(studies.study(base)).endswith("all are listed in faults.txt")
    assert (studies.folder / "faults.txt").read_text().startswith("more.csv:2: ")
    known = read_split(builtin_tasks()["sst"], studies.data, "dev").sentences[0]
    studies.extra("more.csv", (known[0], 1))
    assert studies.refusal(studies.study(base)) == f"{where}gives no example that is not in train, dev or test already"
    studies.extra("more.csv", (known[0], 1), ("quite new", 3))
    assert studies.check(studies.study(base)).further == ("sst: 1 further examples of extra",)


def test_files_that_the_space_can_choose(studies: Studies) -> None:
    studies.extra("one.csv", ("quite new", 3))
    space = """
"augmentation.sst.extra.fraction" = { low = 0.0, high = 1.0 }
"augmentation.sst.extra.path" = ["one.csv", "two.csv"]
"""
    base = 'augmentation.sst.extra.path = "one.csv"'
    assert studies.refusal(studies.study(base, space)) == (
        "study.toml:9: space.\"augmentation.sst.extra.path\".choices: task 'sst': no file of extra examples "
        "'data/two.csv'"
    )
    studies.extra("two.csv", ("quite new", 3), ("newer", 2))
    before = studies.check(studies.study(base, space))
    assert before.further == ("sst: up to 2 further examples of extra",)
    assert before.files == {
        name: hashlib.sha256((studies.data / name).read_bytes()).hexdigest() for name in ("one.csv", "two.csv")
    }
    studies.extra("two.csv", ("quite new", 3), ("newer", 1))
    assert studies.check(studies.study(base, space)).digest != before.digest


def test_malformed_rows_are_warnings(studies: Studies) -> None:
    rows = [(f"new sentence {number}", number % 5) for number in range(1999)]
    studies.extra("more.csv", *rows, ("wrong", "x"))
    report = studies.check(studies.study('augmentation.sst.extra = { path = "more.csv", fraction = 0.5 }'))
    (warning,) = [line for line in report.warnings if "more.csv" in line]
    assert warning.startswith("skipped more.csv:2001: ")
    assert report.further == ("sst: 1,000 further examples of extra",)


def test_trees_that_are_missing(studies: Studies) -> None:
    spec = studies.study('augmentation.sst.phrases = { path = "trees.txt", fraction = 1.0 }')
    assert (
        studies.refusal(spec)
        == "study.toml:4: base.augmentation.sst.phrases.path: no such file of trees: 'data/trees.txt'"
    )


def test_synonyms_that_are_missing(studies: Studies, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> WordNet:
        raise UserError("synonyms need WordNet's data")

    monkeypatch.setattr(WordNet, "installed", missing)
    space = '"augmentation.sst.eda.fraction" = { low = 0.0, high = 1.0 }'
    assert studies.refusal(studies.study(space=space)) == (
        'study.toml:7: space."augmentation.sst.eda.fraction".high: synonyms need WordNet\'s data'
    )
    assert studies.check(studies.study()).further == ()


def test_copies_are_counted_or_estimated(studies: Studies, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample of a third tells the number within its error."""
    spec = studies.study("augmentation.sst.eda = { fraction = 0.5, copies = 2 }")
    made = len(TaskAugmentation(spec.base, "sst", studies.answers).make())
    report = studies.check(spec)
    assert report.further == (f"sst: {made} further examples of eda",)
    monkeypatch.setattr("search.preflight.further._TRIED_COPIES", 40)
    (line,) = studies.check(spec).further
    assert line.startswith("sst: about ")
    assert abs(int(line.split()[2]) - made) < 0.2 * made
    searched = studies.study("augmentation.sst.eda.fraction = 0.5", '"augmentation.sst.eda.copies" = [1, 2]')
    assert studies.check(searched).further == (line.replace("about", "up to about"),)


def test_answers_that_are_missing(studies: Studies) -> None:
    spec = studies.study('augmentation.sst.rephrased = { model = "llama", fraction = 1.0 }')
    first = "first run python -m search.augment with the same --study, --data and --runs-dir"
    where = "study.toml:4: base.augmentation.sst.rephrased.model: of 60 sentences"
    assert studies.refusal(spec) == f"{where} 60 have not been rephrased by 'llama' yet; {first}"
    studies.answer(spec, but=1)
    assert studies.refusal(spec) == f"{where} 1 have not been rephrased by 'llama' yet; {first}"
    studies.answer(spec)
    made = len(TaskAugmentation(spec.base, "sst", studies.answers).make())
    assert studies.check(spec).further == (f"sst: {made} further examples of rephrased",)


def test_answers_of_a_model_that_only_the_space_knows(studies: Studies) -> None:
    base = 'augmentation.sst.rephrased = { model = "llama", fraction = 1.0 }'
    studies.answer(studies.study(base))
    spec = studies.study(base, '"augmentation.sst.rephrased.model" = ["llama", "qwen"]')
    said = studies.refusal(spec)
    assert said.startswith('study.toml:7: space."augmentation.sst.rephrased.model".choices: of 60 sentences 60 have ')
    assert "by 'qwen'" in said
    studies.answer(spec)
    assert "up to " in studies.check(spec).further[0]


def test_the_digest_is_of_the_examples_and_not_of_the_file_of_answers(studies: Studies) -> None:
    base = 'augmentation.sst.rephrased = { model = "llama", fraction = 0.5 }'
    studies.answer(studies.study(base))
    before = studies.check(studies.study(base)).digest
    assert before != check_data(studies.study(base).base).digest
    answers = studies.answers / "answers.jsonl"
    size = answers.stat().st_size
    studies.answer(studies.study(base.replace("llama", "qwen")))
    assert answers.stat().st_size > size
    assert studies.check(studies.study(base)).digest == before
    answers.write_text(answers.read_text().replace("truly", "really"))
    assert studies.check(studies.study(base)).digest != before


def test_a_space_that_needs_answers_can_be_asked_for(studies: Studies) -> None:
    """Without an answer such a setting is not searched, except by the command that asks."""
    space = '"augmentation.sst.rephrased.fraction" = { low = 0.0, high = 0.5, needs = "answers" }'
    file = studies.study('augmentation.sst.rephrased.model = "llama"', space).source
    without = load_study(file, answers_dir=studies.answers)
    assert without.notes
    assert studies.check(without).further == ()
    studies.answer(load_study(file, answers_dir=None))
    answered = load_study(file, answers_dir=studies.answers)
    assert not answered.notes
    assert studies.check(answered).further[0].startswith("sst: up to ")
