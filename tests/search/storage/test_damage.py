"""A damaged database ends in one line, wherever it is read."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from inline_executor import InlineExecutor
from stub_study import changed
from typer.testing import CliRunner

from data.errors import UserError
from search.clean.__main__ import main as clean
from search.compare.__main__ import main as compare
from search.console.cli import make_app
from search.driver.driver import Driver
from search.recorded.study import recorded_identity
from search.storage.damage import reading_record
from search.storage.errors import StorageDamagedError, StorageError
from search.storage.open import open_storage
from search.trials.record import TrialRecord

SPEC = changed(trials=4)


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs folder of a finished study."""
    runs = tmp_path_factory.mktemp("runs")
    assert Driver(SPEC, open_storage(None, runs), InlineExecutor({}), runs / "stub").run().finished
    return runs


def flipped(content: bytes, rng: random.Random) -> bytes:
    """Flip one to thirty bits anywhere."""
    damaged = bytearray(content)
    for _ in range(rng.choice([1, 1, 4, 30])):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def read_all(runs: Path) -> None:
    storage = open_storage(None, runs)
    try:
        study = optuna.load_study(study_name="stub", storage=storage)
        recorded_identity(study)
        for trial in study.get_trials():
            TrialRecord.read(trial)
    except KeyError:  # the name has changed
        assert "stub" not in optuna.get_all_study_names(storage)
    finally:
        storage.engine.dispose()


def test_flipped_bits(intact: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Each database is read as it is, or refused in one line."""
    content, rng = (intact / "studies.db").read_bytes(), random.Random(3)
    ended: Counter[str] = Counter()
    lines: set[int] = set()
    for _ in range(120):
        (tmp_path / "studies.db").write_bytes(flipped(content, rng))
        try:
            read_all(tmp_path)
            ended["read"] += 1
        except UserError as error:
            ended[type(error).__name__] += 1
            lines.add(str(error).count("\n"))
    assert ended["read"] < 90
    assert ended["StorageDamagedError"] > 10
    assert lines == {0}
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("main", "arguments"), [(clean, []), (compare, ["stub:0", "stub:1"])])
def test_flipped_bits_under_a_command(
    intact: Path, tmp_path: Path, main: Callable[..., None], arguments: list[str]
) -> None:
    content, rng, app = (intact / "studies.db").read_bytes(), random.Random(5), make_app(main)
    for _ in range(20):
        (tmp_path / "studies.db").write_bytes(flipped(content, rng))
        done = CliRunner().invoke(app, [*arguments, "--runs-dir", str(tmp_path)])
        assert done.exit_code in (0, 2), done.stderr
        assert done.stderr.count("\n") <= 1


def _truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:20_000])


def _overwrite(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:8192] + random.Random(1).randbytes(len(content) - 8192))


def _replace_by_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_truncate, r"^storage sqlite:.*studies\.db is damaged: database disk image is malformed; put a copy of it in"),
        (_overwrite, r"^storage sqlite:.*studies\.db is damaged: "),
        (lambda file: file.write_bytes(b"nonsense" * 999), r"is damaged: file is not a database; put a copy of it in"),
        (_replace_by_folder, r"^storage sqlite:.*studies\.db cannot be opened: unable to open database file$"),
        (lambda file: file.write_bytes(b""), "--study stub: no such study in .*: run python -m search"),
    ],
)
def test_other_damage(intact: Path, tmp_path: Path, damage: Callable[[Path], object], message: str) -> None:
    (tmp_path / "studies.db").write_bytes((intact / "studies.db").read_bytes())
    damage(tmp_path / "studies.db")
    done = CliRunner().invoke(make_app(compare), ["stub:0", "stub:1", "--runs-dir", str(tmp_path)])
    assert done.exit_code == 2
    line = done.stderr.removeprefix("error: ").removesuffix("\n")
    assert "\n" not in line
    with pytest.raises(UserError, match=message):
        raise UserError(line)


def test_damage_that_a_search_meets(tmp_path: Path) -> None:
    """In the middle of it: the search stops, and no trial fails."""

    class Damaging(InlineExecutor):
        left = 8

        def events(self, timeout: float | None) -> object:
            self.left -= 1
            if self.left == 0:
                _overwrite(tmp_path / "studies.db")
            return super().events(timeout)

    with pytest.raises(StorageDamagedError, match="is damaged: "):
        Driver(SPEC, open_storage(None, tmp_path), Damaging({}), tmp_path / "stub").run()


def test_a_record_that_cannot_be_read() -> None:
    with (
        pytest.raises(StorageError, match=r"^the record of trial 3 cannot be read: .* \(KeyError: 'a'\)|\('a'\)$"),
        reading_record("the record of trial 3"),
    ):
        raise KeyError("a")
    with pytest.raises(UserError, match=r"^a mistake$"), reading_record("the record of trial 3"):
        raise UserError("a mistake")
