"""Store a trained model as a folder: encoders in Hugging Face layout, heads, tokenizer, RunConfig and provenance.

heads.safetensors, run_config.json, provenance.json, checksums.json
config.json, model.safetensors, tokenizer.json, ...                   the encoder, if the tasks share it
encoders/sst/config.json, model.safetensors, tokenizer.json, ...      each task's encoder, if it has layers of its own
calibration.json                                                      temperatures of classes; of the whole folder
task_layers.safetensors                                               what tasks add to a shared encoder, if they do
formats.json, sst/config.json, ...                                    tasks in forms of other libraries, if asked for
README.md                                                             the model card, which search.export writes
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import nn

from core.config import RunConfig
from core.model.bert import Bert
from core.model.lora import merged_state_dict
from core.model.multitask import SHARED_ENCODER, MultitaskBert, build_encoder, build_plain_model, plain_encoder_names
from core.model_files.bert_checkpoint import BERT_FILES, load_bert_config, load_bert_weights, remove_bert, save_bert
from core.model_files.calibration_file import CALIBRATION, calibration_content
from core.model_files.card_file import remove_card
from core.model_files.formats.written import remove_formats, written_formats
from core.model_files.safetensors_writer import write_safetensors
from core.run.atomic_files import replace_file
from core.run.checksums import CHECKSUMS, Checksums
from core.statistics import TaskCalibration
from data.errors import UserError
from data.rows import RowLayout
from data.tokenizer import SAVED_TOKENIZER, load_tokenizer, remove_tokenizer, save_tokenizer

__all__ = [
    "ENCODERS",
    "ENSEMBLE",
    "MEMBERS",
    "TrainedModel",
    "check_replaceable",
    "heads_digest",
    "load_model_folder",
    "load_run_config",
    "load_without_weights",
    "remove_model",
    "save_model_folder",
    "saved_heads_digest",
]

_HEADS, _RUN_CONFIG, _PROVENANCE = "heads.safetensors", "run_config.json", "provenance.json"
_TASK_LAYERS = "task_layers.safetensors"
ENCODERS = "encoders"
ENSEMBLE, MEMBERS = "ensemble.json", "members"  # of a folder of several models: core.model_files.ensemble_folder


@dataclass(frozen=True)
class TrainedModel:
    """A model ready to predict."""

    model: MultitaskBert
    config: RunConfig
    tokenizer: Tokenizer

    @property
    def layout(self) -> RowLayout:
        """Return the layout of its rows."""
        return RowLayout.of(self.tokenizer, self.config.model.max_length)


def save_model_folder(
    folder: Path,
    trained: TrainedModel,
    provenance: dict[str, Any],
    calibrations: Mapping[str, TaskCalibration] | None = None,
) -> None:
    """Write the folder; ``transformers.AutoModel.from_pretrained`` loads every encoder in it as a plain BERT.

    LoRA's updates are merged into the written weights; the model in memory does not change.

    Args:
        folder: created if missing; an earlier model or ensemble in it is removed.
        trained: the model to save.
        provenance: where the model comes from; must be JSON-serialisable.
        calibrations: of tasks of classes; without any, the folder has no ``calibration.json``.

    Raises:
        UserError: if the folder has a model that was not exported.
    """
    remove_model(folder)
    folder.mkdir(parents=True, exist_ok=True)
    of_others = _files(folder)
    _save(trained.model.heads, folder / _HEADS)  # first: it marks what follows as exported
    for name, encoder in trained.model.plain_encoders().items():
        place = _encoder_folder(folder, name)
        save_bert(place, encoder.config, merged_state_dict(encoder))
        save_tokenizer(trained.tokenizer, place, trained.config.model.max_length)
    if trained.config.task_layers.kind != "none":
        _save(trained.model.own, folder / _TASK_LAYERS)
    (folder / _RUN_CONFIG).write_text(trained.config.model_dump_json(indent=2) + "\n", encoding="utf-8")
    if calibrations:
        (folder / CALIBRATION).write_bytes(calibration_content(calibrations, provenance))
    Checksums(folder).record(sorted(_files(folder) - of_others))
    (folder / _PROVENANCE).write_text(json.dumps(provenance, indent=2) + "\n", encoding="utf-8")


def load_model_folder(folder: Path) -> TrainedModel:
    """Load what :func:`save_model_folder` wrote, on the CPU, in eval mode.

    Raises:
        UserError: if the folder was not exported, or is damaged.
    """
    config, tokenizer = load_without_weights(folder)
    places = {name: _encoder_folder(folder, name) for name in plain_encoder_names(config)}
    # Plain: LoRA is already merged into these weights, and reinitialised layers have been trained since.
    model = build_plain_model(config, {name: _load_encoder(config, place) for name, place in places.items()})
    _load(model.heads, folder / _HEADS)
    if config.task_layers.kind != "none":
        _load(model.own, folder / _TASK_LAYERS)
    return TrainedModel(model.eval(), config, tokenizer)


def load_without_weights(folder: Path) -> tuple[RunConfig, Tokenizer]:
    """Load the RunConfig and the tokenizer of the model in the folder, all of whose files are checked.

    Raises:
        UserError: as :func:`load_model_folder`.
    """
    config = load_run_config(folder)
    try:
        Checksums(folder).check_all("export the model again")
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be read: {error.strerror}; export the model again") from error
    return config, load_tokenizer(_encoder_folder(folder, plain_encoder_names(config)[0]))


def load_run_config(folder: Path) -> RunConfig:
    """Load the RunConfig of the model in the folder.

    Raises:
        UserError: if the folder was not exported.
    """
    for name in (_RUN_CONFIG, _HEADS):
        if not (folder / name).is_file():
            raise UserError(f"{folder}: no {name}; give a folder written by search.export")
    try:
        config = RunConfig.model_validate_json((folder / _RUN_CONFIG).read_bytes())
    except ValidationError as error:
        raise UserError(f"{folder / _RUN_CONFIG}: {error.errors()[0]['msg']}") from error
    return config


def heads_digest(heads: nn.Module) -> str:
    """Return the SHA-256 of the heads' file, which tells models of one configuration apart."""
    file = io.BytesIO()
    write_safetensors(file, heads.state_dict())
    return hashlib.sha256(file.getvalue()).hexdigest()


def saved_heads_digest(folder: Path) -> str:
    """Return :func:`heads_digest` of the model in a folder.

    Raises:
        OSError: if the file cannot be read.
    """
    return hashlib.sha256((folder / _HEADS).read_bytes()).hexdigest()


def check_replaceable(folder: Path) -> None:
    """Refuse a folder with a model that was not exported, such as an encoder to train from.

    Raises:
        UserError: it names a file that would be lost.
    """
    written_formats(folder)  # a damaged record would leave folders of the earlier model
    # An export that was interrupted has written the heads at least.
    if any((folder / name).exists() for name in (_HEADS, _RUN_CONFIG, ENSEMBLE)):
        return
    for path in (*map(folder.joinpath, (*BERT_FILES, *SAVED_TOKENIZER)), *(folder / ENCODERS).glob("*/config.json")):
        if path.exists():
            raise UserError(f"'{folder}' has a model that was not exported ('{path.name}'); choose another folder")


def remove_model(folder: Path) -> None:
    """Remove a model or an ensemble from a folder, starting with the file that makes it loadable.

    Files that belong to neither stay; the folder itself is removed if nothing else is in it.

    Raises:
        UserError: if the folder has a model that was not exported.
    """
    check_replaceable(folder)
    remove_formats(folder)
    remove_card(folder)
    if (folder / ENSEMBLE).exists():
        (folder / ENSEMBLE).unlink()
        shutil.rmtree(folder / MEMBERS, ignore_errors=True)
    for name in (_RUN_CONFIG, _TASK_LAYERS, CALIBRATION, _PROVENANCE, CHECKSUMS):
        (folder / name).unlink(missing_ok=True)
    encoders = folder / ENCODERS
    own = [config.parent for config in encoders.glob("*/config.json")]
    for place in (*own, folder):
        remove_bert(place)
        remove_tokenizer(place)
    (folder / _HEADS).unlink(missing_ok=True)
    for emptied in (*own, encoders, folder):
        with suppress(OSError):  # it contains other files, or does not exist
            emptied.rmdir()


def _save(module: nn.Module, path: Path) -> None:
    replace_file(path, lambda file: write_safetensors(file, module.state_dict()))


def _load(module: nn.Module, path: Path) -> None:
    try:
        module.load_state_dict(load_file(path))
    except OSError as error:  # in a folder without checksums; the library's errors have no strerror
        raise UserError(f"{path}: cannot be read: {error.strerror or error}; export the model again") from error
    except (RuntimeError, SafetensorError) as error:
        why = " ".join(str(error).split())
        raise UserError(f"{path}: does not match {_RUN_CONFIG}: {why}; export the model again") from error


def _files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def _encoder_folder(folder: Path, name: str) -> Path:
    return folder if name == SHARED_ENCODER else folder / ENCODERS / name


def _load_encoder(config: RunConfig, place: Path) -> Bert:
    bert_config = load_bert_config(place)
    return build_encoder(config, bert_config, load_bert_weights(place, bert_config))
