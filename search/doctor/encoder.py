"""Check the encoder: whether it is on this machine, loads, and fits the study."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from huggingface_hub import HfApi, is_offline_mode

from core.config import RunConfig
from core.inputs.resources import Resources, scratch_shape
from core.model_files.bert_checkpoint import load_bert_config
from core.model_files.encoder_source import explain_hub_error, find_encoder
from core.run_size import RunSize, run_size
from data.errors import UserError
from search.doctor.check import Check, ok, wrong
from search.space.feasibility import TriedRun
from search.study.spec import StudySpec

__all__ = ["check_encoder", "check_named_encoder", "largest_run"]

_HUB_SECONDS = 5.0


def check_encoder(spec: StudySpec, runs: Sequence[TriedRun], cache_dir: Path) -> Iterator[Check]:
    """Load the encoders of a study's runs (:func:`search.preflight.encoder.encoder_runs`), from this machine only.

    Raises:
        UserError: an encoder does not load, or lacks something that the study needs; names the line of the study file.
    """
    resources, seen = Resources(cache_dir), set()
    for run in runs:
        name = run.config.model.encoder
        try:
            found = None if run.config.model.scratch else find_encoder(name)
            if found is not None:
                resources.encoder(_from_folder(run.config, found))
        except UserError as error:
            raise spec.impossible_run_error(run, str(error)) from error
        if name not in seen:
            seen.add(name)
            yield ok("model", "from scratch") if run.config.model.scratch else _state(name, found)


def check_named_encoder(name: str) -> Iterator[Check]:
    """Look for an encoder, without a study.

    Raises:
        UserError: there is no such encoder, or it is not a BERT.
    """
    found = find_encoder(name)
    if found is not None:
        load_bert_config(found)
    yield _state(name, found)


def largest_run(runs: Sequence[TriedRun]) -> RunSize | None:
    """Return the largest model and the largest checkpoint of the runs; None if an encoder is not on this machine."""
    sizes = []
    for run in runs:
        scratch = run.config.model.scratch
        if scratch is not None:
            shape = scratch_shape(scratch, scratch.vocab_size)
        elif (found := find_encoder(run.config.model.encoder)) is not None:
            shape = load_bert_config(found)
        else:
            return None
        sizes.append(run_size(run.config, shape))
    return RunSize(max(size.model for size in sizes), max(size.checkpoint for size in sizes))


def _state(name: str, found: Path | None) -> Check:
    if found is not None:
        return ok("model", f"{name}, at {found}")
    if is_offline_mode():
        return wrong(
            "model",
            f"{name} is not completely in the cache, and HF_HUB_OFFLINE is set",
            "unset it and run again, or pass a folder to --model",
        )
    try:
        info = HfApi().model_info(name, timeout=_HUB_SECONDS)
    except Exception as error:  # the library lets its HTTP client's errors through
        return Check("model", "wrong", f"not in the cache, and {explain_hub_error(name, error)}")
    return ok("model", f"{info.id} is on the Hub, and will be downloaded before the first trial")


def _from_folder(config: RunConfig, folder: Path) -> RunConfig:
    """Return the run with its encoder's folder for a name: a folder is never looked up on the Hub."""
    return config.model_copy(update={"model": config.model.model_copy(update={"encoder": str(folder)})})
