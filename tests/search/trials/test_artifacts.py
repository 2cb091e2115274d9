"""What an ended trial left on disk: loaded, or refused in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from optuna.trial import create_trial
from stub_study import BASE

from core.run.run_folder import RunFolder
from data.errors import UserError
from data.task_files import builtin_tasks
from search.trials.artifacts import check_score, check_size, load_predictions, require_model, stored_config
from search.trials.record import CONFIG

TRIAL = create_trial(value=0.5, user_attrs={CONFIG: BASE.canonical_json()})
SST = builtin_tasks()["sst"]


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "trial-0003")
    folder.make()
    folder.config.write_text(BASE.model_dump_json())
    return folder


def test_the_configuration_with_another_folder_and_device(run: RunFolder) -> None:
    assert stored_config(TRIAL, run, None, None) == BASE
    moved = stored_config(TRIAL, run, Path("elsewhere"), "cpu")
    assert (moved.data.directory, moved.compute.device) == ("elsewhere", "cpu")
    assert moved.digest == BASE.model_copy(update={"data": moved.data, "compute": moved.compute}).digest


def test_a_configuration_that_cannot_be_read(run: RunFolder, tmp_path: Path) -> None:
    run.config.write_text('{"tasks": 3}')
    with pytest.raises(UserError, match=r"config\.json: cannot be read: .*tasks") as caught:
        stored_config(TRIAL, run, None, None)
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=r"trial-0009: the trial's folder is not there; --runs-dir says where to look"):
        stored_config(TRIAL, RunFolder(tmp_path / "trial-0009"), None, None)


def test_a_model_that_was_not_kept(run: RunFolder) -> None:
    with pytest.raises(UserError, match=r"the model is gone; .* \(keep_models\); pass --dev-only$"):
        require_model(run, "; pass --dev-only")
    run.best_model.parent.mkdir(exist_ok=True)
    run.best_model.touch()
    require_model(run)


def test_predictions(run: RunFolder) -> None:
    values = np.random.default_rng(0).random((4, 5)).astype(np.float32)
    run.write_predictions(100, {"sst": values})
    assert np.array_equal(load_predictions(run, 3, "sst", 100), values)
    with pytest.raises(UserError, match=r"sst-dev-200\.npy' with trial 3's dev predictions is gone"):
        load_predictions(run, 3, "sst", 200)
    whole = run.predictions("sst", 100).read_bytes()
    run.checksums.path.unlink()  # as in studies of earlier versions
    # numpy evaluates the header: half of one, numbers of another type, and a shape of none.
    for damaged in (b"no array", whole[:12] + b"(\n" + whole[14:], whole.replace(b"<f4", b"<i4"), whole[:20]):
        run.predictions("sst", 100).write_bytes(damaged)
        with pytest.raises(UserError, match=r"sst-dev-100\.npy' with trial 3's dev predictions cannot be read"):
            load_predictions(run, 3, "sst", 100)


def test_a_dev_file_that_has_changed() -> None:
    check_size(np.zeros((4, 5)), 4, SST, 3)
    with pytest.raises(UserError, match=r"the dev file of sst has changed: it has 5 examples .* trial 3 predicted 4$"):
        check_size(np.zeros((4, 5)), 5, SST, 3)
    check_score(0.5 + 1e-7, 0.5, SST, 3)
    with pytest.raises(
        UserError,
        match=r"sst or trial 3's stored predictions have changed; they no longer give its accuracy of 0\.5000",
    ):
        check_score(0.501, 0.5, SST, 3)
