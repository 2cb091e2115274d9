"""Upload files to a repository of the Hugging Face Hub as one commit."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token, is_offline_mode
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, RepositoryNotFoundError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # public, but not annotated so

from core.run.checksums import CHECKSUMS
from data.errors import UserError

__all__ = ["check_ready", "stale_files", "upload"]

_FOLDERS: Final = ("encoders", "members")
_AT_THE_TOP: Final = (
    "calibration.json",
    "config.json",
    "ensemble.json",
    "formats.json",
    "heads.safetensors",
    "model.safetensors",
    "provenance.json",
    "run_config.json",
    "task_layers.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
)
_TOKEN: Final = "run 'hf auth login', or set HF_TOKEN to a token that may write"


def check_ready(name: str) -> None:
    """Refuse what needs no connection to be refused.

    Raises:
        UserError: if the name is none that the Hub allows, the network is switched off, or there is no token.
    """
    try:
        validate_repo_id(name)
    except HFValidationError as error:
        why = re.sub(r"\s+", " ", str(error)).strip().rstrip(".")
        raise UserError(f"--to {name}: {why}") from error
    if is_offline_mode():
        raise UserError("HF_HUB_OFFLINE is set, so nothing can be uploaded; unset it")
    if get_token() is None:
        raise UserError(f"not logged in to the Hugging Face Hub; {_TOKEN}")


def upload(name: str, files: Mapping[str, Path], public: bool, revision: str | None, message: str) -> str:
    """Create the repository and the branch if they are missing, and commit the files.

    Args:
        name: the repository, ORG/NAME.
        files: path in the repository -> file.
        public: whether a new repository can be seen by everybody; one that exists stays as it is.
        revision: the branch; None for the main one.
        message: of the commit.

    Returns:
        URL of the commit.

    Raises:
        UserError: if the Hub refuses, or cannot be reached.
    """
    api = HfApi(library_name="onebert")
    with _explained(name):
        api.create_repo(name, private=not public, exist_ok=True)
        if revision is not None:
            api.create_branch(name, branch=revision, exist_ok=True)
        there = api.list_repo_files(name, revision=revision)
        changes: list[CommitOperationAdd | CommitOperationDelete] = [
            CommitOperationAdd(path, str(file)) for path, file in files.items()
        ]
        changes += [CommitOperationDelete(path) for path in stale_files(there, files)]
        commit = api.create_commit(name, changes, commit_message=message, revision=revision)
    return str(commit.commit_url)


def stale_files(there: Collection[str], files: Collection[str]) -> list[str]:
    """Return the files of an earlier model in a repository that the uploaded one does not replace.

    These are its own files and all of its folders. In a repository without a model that this command uploaded, nothing
    is deleted.

    Args:
        there: paths in the repository.
        files: paths that are uploaded.
    """
    if not {"ensemble.json", "heads.safetensors"} & set(there):
        return []  # no model of ours is there
    ours = {path.partition("/")[0] for path in there if path.count("/") == 1 and path.endswith(f"/{CHECKSUMS}")}
    ours |= {*_FOLDERS, *_AT_THE_TOP}
    return sorted(path for path in there if path not in files and path.partition("/")[0] in ours)


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn whatever the Hub's client raises into one line."""
    try:
        yield
    except Exception as error:  # the library passes on its HTTP client's errors, and the client has changed before
        raise UserError(_explanation(name, error)) from error


def _explanation(name: str, error: Exception) -> str:
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
    # A repository that is not found is reported with status 401 too, lest its name be guessed.
    if isinstance(error, RepositoryNotFoundError) or status == 404:
        unseen = f"'{name}' is not on the Hugging Face Hub, or your token may not see it"
        return f"{unseen}; check the name, and your account with 'hf auth whoami'"
    if status == 401:
        return f"the Hugging Face Hub does not accept your token; {_TOKEN}"
    if status == 403:
        return f"your token may not write to '{name}'; give another --to, or a token with that right ('hf auth login')"
    if status in (409, 412):
        return f"'{name}' was changed by somebody else at the same time; run the same command again"
    reason = re.sub(r"\s+", " ", str(error)).strip() or type(error).__name__
    if status is None and isinstance(
        error, ValueError
    ):  # of the client, which checks README.md and the commit before it sends them
        return f"the upload to '{name}' is refused: {reason}"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: cannot be read: {error.strerror}"
    if status is None:
        return (
            f"the Hugging Face Hub cannot be reached: {reason}; check the connection, then run the same command again"
        )
    return f"the Hugging Face Hub refuses the upload to '{name}': {reason}"
