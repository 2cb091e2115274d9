"""The NLI file: what is read and what is left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.config.pretraining import NliFileConfig
from core.inputs.nli_file import known_files, read_nli_pairs
from data.errors import UnavailableError, UserError
from data.reading import read_split
from data.task_files import builtin_tasks
from data.tasks import SplitFiles
from data.vocabulary import build_wordpiece

TASKS = [builtin_tasks()[name] for name in ("sst", "para", "sts")]
TOKENIZER = build_wordpiece(["the dog runs home", "a man is singing"], 80)


def write(
    corpus: Path, rows: list[tuple[str, str, str]], header: str = "sentence_A\tsentence_B\tentailment_label"
) -> str:
    name = "other-nli.tsv"
    (corpus / name).write_text("\n".join([header, *("\t".join(row) for row in rows)]) + "\n", encoding="utf-8")
    return name


@pytest.mark.parametrize("split", ["train", "dev", "test"])
@pytest.mark.parametrize("task", [0, 1, 2])
@pytest.mark.parametrize("side", [0, 1])
def test_no_pair_with_a_sentence_of_any_split(corpus: Path, split: str, task: int, side: int) -> None:
    """Catches splits that are not looked at, a look at one side only, and sentences compared with their punctuation:
    SICK's were made from those of sts without full stops and capitals."""
    known = read_split(TASKS[task], corpus, split).sentences[-1][-1]  # type: ignore[arg-type]
    stripped = known.upper().replace(" .", "").replace(" ?", "").replace(" ,", "")
    assert stripped != known
    rows = [("the dog runs", "a dog is running", "ENTAILMENT"), ("the dog is singing", "", "NEUTRAL")]
    rows[1] = (rows[1][0], stripped, "NEUTRAL") if side else (stripped, rows[1][0], "NEUTRAL")
    config = NliFileConfig(path=write(corpus, rows))
    assert len(read_nli_pairs(config, corpus, TASKS, TOKENIZER)) == 1
    assert len(read_nli_pairs(config.model_copy(update={"leave_out_known": False}), corpus, TASKS, TOKENIZER)) == 2


def test_splits_of_hub_data_sets_are_looked_at(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever they are kept; a test split too."""
    monkeypatch.setattr("data.files.hub_file", lambda name: corpus / name.rpartition("/")[2].removesuffix(".parquet"))
    files = {split: f"hub:org/set/{name}.parquet" for split, name in TASKS[0].files.model_dump().items()}
    of_hub = TASKS[0].model_copy(update={"files": SplitFiles(**files)})
    expected = {split: corpus / name for split, name in TASKS[0].files.model_dump().items()}
    assert {split: path for _, split, path in known_files(Path("nowhere"), [of_hub])} == expected
    with pytest.raises(UnavailableError):
        list(known_files(Path("nowhere"), [TASKS[0]]))


def test_columns_and_labels_can_be_named(corpus: Path) -> None:
    name = write(
        corpus,
        [("no", "a b", "c d", "y"), ("no", "e f", "g h", "n"), ("no", "i j", "k l", "?")],  # type: ignore[list-item]
        header="gold_label\tsentence1\tsentence2\tlabel",
    )
    config = NliFileConfig(
        path=name,
        premise="sentence1",
        hypothesis="sentence2",
        label="label",
        entailment="y",
        neutral="?",
        contradiction="n",
    )
    pairs = read_nli_pairs(config, corpus, TASKS, TOKENIZER)
    assert np.asarray(pairs.labels).tolist() == [0, 2, 1]


def test_nothing_left(corpus: Path) -> None:
    known = read_split(TASKS[0], corpus, "dev").sentences[0][0]
    with pytest.raises(UserError, match=r"other-nli.tsv: every pair has a sentence that is also in the tasks' files"):
        read_nli_pairs(NliFileConfig(path=write(corpus, [(known, "x", "NEUTRAL")])), corpus, TASKS, TOKENIZER)


def test_the_real_sick(course_data: Path) -> None:
    """More than a quarter of SICK has a sentence of sts; compared with punctuation it would be five pairs."""
    pairs = read_nli_pairs(NliFileConfig(path="sick2014.csv"), course_data, TASKS, TOKENIZER)
    assert np.bincount(np.asarray(pairs.labels)).tolist() == [1970, 4195, 976]
