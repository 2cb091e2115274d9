"""Find study files by name, and check names.

Loads neither Optuna nor RunConfig, so that a misspelt name is reported at once.
"""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from pathlib import Path

from data.errors import UserError
from data.tables.hub_sets import is_hub_name
from search.parsing.errors import name_hint

__all__ = ["check_not_taken", "check_study_name", "find_study", "is_study_name", "list_studies", "named_data_folder"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_TAKEN = ("answers", "cache", "studies.db")  # in the runs folder


def list_studies(studies_dir: Path = Path("studies")) -> dict[str, Path]:
    """Return the file of every study that can be named, by name; the user's own take precedence over the package's."""
    folders = (studies_dir, Path(str(resources.files("studies"))))
    return {path.stem: path for folder in reversed(folders) for path in sorted(folder.glob("*.toml"))}


def find_study(name_or_path: str | Path, studies_dir: Path = Path("studies"), runs_dir: Path | None = None) -> Path:
    """Return the file of a study.

    Args:
        name_or_path: a path that ends in ``.toml``, else the name of a study that :func:`list_studies` lists.
        studies_dir: folder of the user's own studies.
        runs_dir: may have a folder of a study with this name, which ``--name`` gave it; the error says so then.

    Raises:
        UserError: there is no such file, its name cannot be a study's, or no study has this name; the error lists
            the known names.
    """
    name = str(name_or_path)
    if name.endswith(".toml"):
        path = Path(name)
        if not path.is_file():
            here = "" if path.is_absolute() else f"; you are in '{Path.cwd()}'"
            raise UserError(f"{name}: no such study file{here}")
        if not is_study_name(path.stem):
            raise UserError(
                f"{name}: a study has its file's name; use letters, digits, '_', '-' and '.' only, got '{path.stem}'"
            )
        check_not_taken(path.stem)
        return path
    known = list_studies(studies_dir)
    if name not in known and runs_dir is not None and is_study_name(name) and (runs_dir / name).is_dir():
        raise UserError(
            f"no study file '{name}'; the study in '{runs_dir / name}' has its name from --name, or its file is gone: "
            f"give the file that it was begun with, and --name {name}"
        )
    if name not in known:
        own = "" if studies_dir.is_dir() else f"; you are in '{Path.cwd()}', which has no folder '{studies_dir}'"
        raise UserError(
            f"no study '{name}'{name_hint(name, known) or '.'} Known: {', '.join(sorted(known)) or 'none'}; "
            f"or give the path of a .toml file{own}"
        )
    return known[name]


def named_data_folder(study_file: Path) -> Path | None:
    """Return the data folder that a study file names, or the default one, without reading its other settings.

    None if only reading all of it tells: it makes its own data or may read some of the Hub, a preset may name the
    folder, or it has a mistake.
    """
    try:
        tables = tomllib.loads(study_file.read_text(encoding="utf-8-sig"))
        override = tables.get("override", {}).get("data", {}).get("directory")
        if "synthetic" in tables or (override is None and {"preset", "variants"} & tables.keys()):
            return None
        if "task_files" in tables or _reads_the_hub(tables.get("tasks")):
            return None
        return Path(override or tables.get("base", {}).get("data", {}).get("directory", "data"))
    except (OSError, ValueError, AttributeError, TypeError):
        return None


def _reads_the_hub(tasks: object) -> bool:
    described = tasks.values() if isinstance(tasks, dict) else ()
    return any(is_hub_name(file) for task in described for file in task.get("files", {}).values())


def is_study_name(name: str) -> bool:
    """Return whether the name is of letters, digits, ``_``, ``-`` and ``.`` only, a letter or a digit first."""
    return _NAME.fullmatch(name) is not None


def check_not_taken(name: str) -> None:
    """Refuse a name that a file or folder of all studies has in the runs folder.

    Raises:
        UserError: it names the others.
    """
    if name.casefold() in _TAKEN:
        listed = ", ".join(map(repr, _TAKEN))
        raise UserError(f"a study cannot be called '{name}', because the runs folder has {listed} for all studies")


def check_study_name(name: str, option: str = "--name") -> None:
    """Refuse a name that no study can have.

    Args:
        name: as the user gave it.
        option: the option that it was given to.

    Raises:
        UserError: if :func:`is_study_name` is false, or as :func:`check_not_taken`.
    """
    if not is_study_name(name):
        raise UserError(
            f"{option} {name}: a study has a folder of its name; use letters, digits, '_', '-' and '.' only, "
            "a letter or a digit first"
        )
    check_not_taken(name)
