"""Data sets of the Hub, from local folders in the Hub's layout, which ``datasets`` reads in the same way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import numpy as np
import pytest

from data.errors import UnavailableError, UserError
from data.files import find_file
from data.reading import read_split
from data.tables import hub_sets
from data.tables.hub_sets import fetch_hub_set, hub_file
from data.tables.read import read_table
from data.tasks import TaskSpec

datasets = pytest.importorskip("datasets")
pytestmark = pytest.mark.usefixtures("home")

TEXTS = ["a fine film", "dull, and far too long", 'she said "no"\nand left', "  spaces  "]
CARD = """---
configs:
- config_name: sst2
  data_files:
  - {split: train, path: sst2/train-*}
  - {split: validation, path: sst2/validation-*}
  - {split: test, path: sst2/test-*}
- config_name: stsb
  data_files:
  - {split: train, path: stsb/train-*}
---
# A benchmark
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory, with data sets where the Hub's are, and a cache of its own."""
    from datasets import ClassLabel, Dataset, Features, Sequence, Value

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache" / "datasets")
    features = {
        "sentence": Value("string"),
        "label": ClassLabel(names=["negative", "positive"]),
        "words": Sequence(Value("string")),
        "idx": Value("int32"),
    }
    glue = tmp_path / "org" / "glue"
    for split, labels in (("train", [1, 0, 0, 1]), ("validation", [0, 1]), ("test", [-1, -1])):
        rows = len(labels)
        columns = {"sentence": TEXTS[:rows], "label": labels, "words": [["a"]] * rows, "idx": list(range(rows))}
        path = glue / "sst2" / f"{split}-00000-of-00001.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        Dataset.from_dict(columns, Features(features)).to_parquet(str(path))
    (glue / "stsb").mkdir()
    scores = {"sentence1": TEXTS, "sentence2": TEXTS, "label": [0.0, 2.6, 5.0, 3.2]}
    score_features = Features({"sentence1": Value("string"), "sentence2": Value("string"), "label": Value("float32")})
    Dataset.from_dict(scores, score_features).to_parquet(str(glue / "stsb" / "train-00000-of-00001.parquet"))
    (glue / "README.md").write_text(CARD)
    plain = tmp_path / "org" / "plain"
    plain.mkdir()
    for split in ("train", "dev", "test"):
        lines = [
            json.dumps({"text": text, "label": at % 3, "label_text": "abc"[at % 3]}) for at, text in enumerate(TEXTS)
        ]
        (plain / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_a_split_is_read_like_a_file() -> None:
    table = {
        "name": "mood",
        "kind": "classify",
        "classes": ["negative", "positive"],
        "metric": "accuracy",
        "files": {"train": "hub:org/glue/sst2/train.parquet", "dev": "hub:org/glue/sst2/validation.parquet"},
        "columns": {"sentences": ["sentence"], "label": "label"},
    }
    spec = TaskSpec.model_validate(table)
    train, dev = (read_split(spec, Path("nowhere"), split) for split in ("train", "dev"))
    assert train.sentences == [(text,) for text in TEXTS]
    assert train.labels is not None
    assert dev.labels is not None
    assert train.labels.tolist() == [1, 0, 0, 1]
    assert dev.labels.tolist() == [0, 1]
    # The same, with the data set as the data folder.
    files = {"train": "train.parquet", "dev": "validation.parquet"}
    moved = read_split(TaskSpec.model_validate({**table, "files": files}), Path("hub:org/glue/sst2"), "train")
    assert moved.digest == train.digest


def test_withheld_labels_and_lists_are_left_out() -> None:
    def header(split: str) -> list[str]:
        path = hub_file(f"hub:org/glue/sst2/{split}.parquet")
        return read_table(path.read_bytes(), str(path)).header

    assert header("train") == header("validation") == ["sentence", "label", "idx"]
    assert header("test") == ["sentence", "idx"]


def test_scores_keep_their_digits() -> None:
    path = hub_file("hub:org/glue/stsb/train.parquet")
    cells = [record.cells[2] for record in read_table(path.read_bytes(), str(path)).records]
    assert cells == ["0.0", "2.6", "5.0", "3.2"]


def test_files_of_any_format_without_configurations() -> None:
    folder = fetch_hub_set("hub:org/plain")
    assert sorted(path.name for path in folder.iterdir()) == ["test.parquet", "train.parquet", "validation.parquet"]
    assert find_file(Path("data"), "hub:org/plain/train.parquet", "missing") == folder / "train.parquet"


def test_more_rows_than_a_block(home: Path) -> None:
    from datasets import ClassLabel, Dataset, Features, Value

    rng = np.random.default_rng(0)
    labels = rng.integers(-1, 2, 25_000).tolist()  # some rows have no class
    features = Features({"text": Value("string"), "label": ClassLabel(names=["no", "yes"])})
    (home / "org" / "large").mkdir()
    whole = Dataset.from_dict({"text": [f"row {at}" for at in range(25_000)], "label": labels}, features)
    whole.to_parquet(str(home / "org" / "large" / "train.parquet"))
    path = hub_file("hub:org/large/train.parquet")
    records = read_table(path.read_bytes(), str(path)).records
    assert [record.cells for record in records] == [
        [f"row {at}", ("no", "yes")[label]] for at, label in enumerate(labels) if label >= 0
    ]


def test_a_data_set_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = hub_file("hub:org/plain/train.parquet")

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("loaded again")

    monkeypatch.setattr(datasets, "load_dataset", fail)
    assert hub_file("hub:org/plain/train.parquet") == first
    assert not list(first.parent.parent.glob(".partial-*"))


def test_another_process_may_be_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    write = hub_sets._write

    def write_late(splits: Any, partial: Path) -> None:
        write(splits, partial)
        folder = partial.with_name(partial.name.split("-", 2)[2])
        folder.mkdir()
        (folder / "train.parquet").write_bytes(b"PAR1 of the other process")

    monkeypatch.setattr(hub_sets, "_write", write_late)
    path = hub_file("hub:org/plain/train.parquet")
    assert path.read_bytes() == b"PAR1 of the other process"
    assert not list(path.parent.parent.glob(".partial-*"))


def test_a_local_folder_is_read_again_when_it_changes_and_is_not_kept_as_the_hubs(home: Path) -> None:
    first = fetch_hub_set("hub:org/plain")
    assert fetch_hub_set("hub:org/plain") == first
    with (home / "org" / "plain" / "train.jsonl").open("a") as file:
        file.write('{"text": "one more", "label": 0, "label_text": "a"}\n')
    second = fetch_hub_set("hub:org/plain")
    rows = [len(read_table((one / "train.parquet").read_bytes(), "train").records) for one in (first, second)]
    assert rows == [4, 5]
    assert "org--plain" not in {first.name, second.name}


def test_rows_that_cannot_be_written_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise IndexError("list index\nout of range")

    monkeypatch.setattr(hub_sets, "_named", fail)
    with pytest.raises(UserError, match=r"'hub:org/plain' cannot be read: list index out of range"):
        fetch_hub_set("hub:org/plain")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hub:", "write hub:ORG/NAME, or hub:ORG/NAME/CONFIG"),
        ("hub:org/../secret", "is no name of a data set"),
        ("hub:org/glue", "Config name is missing. Please pick one among the available configs: ['sst2', 'stsb']"),
        ("hub:org/glue/sst", "'hub:org/glue/sst' cannot be loaded: BuilderConfig 'sst' not found. Available"),
    ],
)
def test_mistakes_are_explained(name: str, message: str) -> None:
    with pytest.raises(UserError) as refused:
        fetch_hub_set(name)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "load_dataset" not in str(refused.value)


def test_a_split_that_is_not_there_is_named() -> None:
    with pytest.raises(UserError, match=r"no such split; did you mean 'validation.parquet'\?; there are test.parquet"):
        hub_file("hub:org/plain/validatoin.parquet")
    with pytest.raises(UserError, match=r"such as hub:org/plain/train.parquet"):
        hub_file("hub:org/plain")


def test_errors_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(error: Exception) -> None:
        def load(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr(datasets, "load_dataset", load)

    fail(
        datasets.exceptions.DatasetNotFoundError("Dataset 'glue/sst2' doesn't exist on the Hub or cannot be accessed.")
    )
    with pytest.raises(UserError, match=r"a configuration comes after the whole name, as in hub:ORG/glue/sst2/CONFIG"):
        fetch_hub_set("hub:glue/sst2")
    fail(ConnectionError("Couldn't reach 'org/away' on the Hub"))
    with pytest.raises(UnavailableError, match=r"'hub:org/away' cannot be downloaded: Couldn't reach"):
        fetch_hub_set("hub:org/away")
