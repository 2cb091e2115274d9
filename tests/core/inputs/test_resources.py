"""Encoders are loaded once and belong to their tokenizer; devices are those of this machine."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest

from core.config import DataConfig, RunConfig
from core.inputs.resources import Resources, pick_device
from data.errors import UnavailableError, UserError
from tests.core.small_encoders import encoder_folder, loaded

MakeConfig = Callable[..., RunConfig]


def test_a_fitting_encoder_is_loaded_once(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    config = loaded(small_config(), encoder_folder(tmp_path / "e"))
    assert resources.encoder(config) is resources.encoder(config)


def test_weights_are_not_kept(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    encoder = resources.encoder(loaded(small_config(("sst",)), encoder_folder(tmp_path / "e")))
    weights = encoder.read_weights()
    assert weights is not None
    kept = weakref.ref(weights["embeddings.word_embeddings.weight"])
    del weights
    assert kept() is None


def test_weights_that_have_changed_are_not_read(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    """The tokens of the run, and what is recorded about it, are of the encoder that was loaded."""
    config = loaded(small_config(("sst",)), encoder_folder(tmp_path / "e"))
    shutil.copytree(tmp_path / "e", tmp_path / "original")
    encoder = resources.encoder(config)
    encoder_folder(tmp_path / "e")
    with pytest.raises(UnavailableError, match="the encoder has changed meanwhile; put the original files back"):
        encoder.read_weights()
    assert resources.encoder(config) is encoder
    shutil.rmtree(tmp_path / "e")
    shutil.move(tmp_path / "original", tmp_path / "e")
    assert encoder.read_weights() is not None  # another inode and time, but the same content


def test_a_tokenizer_of_another_model(small_config: MakeConfig, resources: Resources, tmp_path: Path) -> None:
    config = loaded(small_config(), encoder_folder(tmp_path / "e", vocab_size=20))
    with pytest.raises(UserError, match=r"the tokenizer has \d+ tokens, but the encoder's vocab_size is 20"):
        resources.encoder(config)


def test_devices() -> None:
    assert pick_device("cpu").type == "cpu"
    assert pick_device("auto").type in ("cpu", "cuda", "mps")
    missing = {"cuda", "mps"} - {pick_device("auto").type}
    for name in missing:
        with pytest.raises(UserError, match=f"device '{name}' is not available on this machine"):
            pick_device(name)


def test_an_input_that_has_changed_since_the_study_began(
    small_config: MakeConfig, resources: Resources, tmp_path: Path
) -> None:
    """It was checked before the first trial, so a trial that cannot read it later is not to blame."""
    folder = encoder_folder(tmp_path / "e")
    config = loaded(small_config(), folder)
    moved = config.model_copy(update={"data": DataConfig(directory=str(tmp_path / "data"))})
    task = next(iter(config.tasks.values())).spec
    with pytest.raises(UnavailableError, match=r"^no data folder '.*data'; it should contain"):
        resources.examples(moved, task, "train")
    (tmp_path / "data").mkdir()
    with pytest.raises(UnavailableError, match=r"no train file '.*'$"):
        resources.examples(moved, task, "train")
    split_path = tmp_path / "data" / task.files.train
    split_path.write_text("half a head")
    with pytest.raises(UnavailableError, match="no column"):
        resources.examples(moved, task, "train")
    with pytest.raises(UnavailableError, match="no data folder 'gone'"):
        resources.encoder(small_config().model_copy(update={"data": DataConfig(directory="gone")}))


@pytest.mark.parametrize(
    ("damage", "name"),
    [
        *(("missing", name) for name in ("", "config.json", "model.safetensors")),
        *(("cut short", name) for name in ("config.json", "model.safetensors", "tokenizer.json")),
    ],
)
def test_an_encoder_that_has_changed_since_the_study_began(
    small_config: MakeConfig, resources: Resources, tmp_path: Path, damage: str, name: str
) -> None:
    folder = encoder_folder(tmp_path / "e")
    config = loaded(small_config(), folder)
    if not name:
        shutil.rmtree(folder)
    elif damage == "missing":
        (folder / name).unlink()
    else:
        (folder / name).write_bytes((folder / name).read_bytes()[:10])
    with pytest.raises(UnavailableError):
        resources.encoder(config)


@pytest.mark.parametrize("damage", [None, b"", b"{half", b"[]"])
def test_a_vocabulary_that_is_damaged_is_built_again(
    small_config: MakeConfig, tmp_path: Path, damage: bytes | None
) -> None:
    config = small_config()
    whole = Resources(tmp_path).encoder(config).tokenizer.to_str()
    (file,) = (tmp_path / "vocabularies").iterdir()
    stored = file.read_bytes()
    file.unlink() if damage is None else file.write_bytes(damage)
    assert Resources(tmp_path).encoder(config).tokenizer.to_str() == whole
    assert file.read_bytes() == stored


def test_another_vocabulary_in_the_file_is_not_taken(small_config: MakeConfig, tmp_path: Path) -> None:
    config = small_config()
    tokenizer = Resources(tmp_path).encoder(config).tokenizer
    word = max(tokenizer.get_vocab(), key=len)
    (file,) = (tmp_path / "vocabularies").iterdir()
    file.write_text(file.read_text().replace(word, word[::-1]))
    assert Resources(tmp_path).encoder(config).tokenizer.to_str() == tokenizer.to_str()


def test_a_vocabulary_is_of_the_columns_that_are_read(small_config: MakeConfig, tmp_path: Path) -> None:
    """Two studies may read other columns of the same file, for example after a mistake was corrected."""
    tasks = small_config().tasks
    name, task = next((name, task) for name, task in tasks.items() if len(task.spec.columns.sentences) == 2)
    first, _ = task.spec.columns.sentences
    columns = task.spec.columns.model_copy(update={"sentences": (first, first)})
    config, other = (
        small_config().model_copy(update={"tasks": {name: task.model_copy(update={"spec": spec})}})
        for spec in (task.spec, task.spec.model_copy(update={"columns": columns}))
    )
    vocabulary = Resources(tmp_path / "one").encoder(other).tokenizer.get_vocab()
    shared = Resources(tmp_path / "shared")
    assert shared.encoder(config).tokenizer.get_vocab() != vocabulary
    assert shared.encoder(other).tokenizer.get_vocab() == vocabulary
