"""The encoder of a study: whether it loads, and fits the study."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from stub_study import BASE

from core.config import RunConfig
from core.model_files.bert_checkpoint import load_bert_config
from core.run_size import RunSize, run_size
from data.errors import UserError
from search.doctor import encoder
from search.doctor.check import ok
from search.doctor.encoder import check_named_encoder, largest_run
from search.space.feasibility import TriedRun
from tests.core.small_encoders import encoder_folder, loaded
from tests.search.doctor.examined import examined


def test_a_setting_that_the_encoder_does_not_support_has_its_line(tiny_study: str, tmp_path: Path) -> None:
    frozen = ("[space]\n", '[space]\n"model.freeze_layers" = [0, 9]\n')
    check = examined(tiny_study, tmp_path, frozen, model="minilm")["model"]
    assert check.state == "wrong"
    assert 'tiny.toml:35: space."model.freeze_layers"' in check.found
    assert "has 6 layers" in check.found


def test_an_encoder_without_a_study(tmp_path: Path) -> None:
    folder = encoder_folder(tmp_path / "encoder")
    assert list(check_named_encoder(str(folder))) == [ok("model", f"{folder}, at {folder}")]
    (folder / "config.json").unlink()
    with pytest.raises(UserError, match=r"config\.json"):
        list(check_named_encoder(str(folder)))


def test_an_encoder_that_is_not_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "find_encoder", lambda _: None)
    monkeypatch.setattr(encoder, "is_offline_mode", lambda: True)
    (check,) = check_named_encoder("bert-base-uncased")
    assert (check.state, check.found) == (
        "wrong", "bert-base-uncased is not completely in the cache, and HF_HUB_OFFLINE is set",
    )  # fmt: skip
    monkeypatch.setattr(encoder, "is_offline_mode", lambda: False)
    monkeypatch.setattr(encoder.HfApi, "model_info", lambda *_, **__: SimpleNamespace(id="google/bert"))
    (check,) = check_named_encoder("bert-base-uncased")
    assert (check.state, check.found) == (
        "ok", "google/bert is on the Hub, and will be downloaded before the first trial",
    )  # fmt: skip


def test_the_largest_model_and_the_largest_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A frozen large encoder has the largest model, a small trained one may have the largest checkpoint."""
    small, large = encoder_folder(tmp_path / "small"), encoder_folder(tmp_path / "large", vocab_size=120)
    frozen = RunConfig.model_validate({**BASE.model_dump(), "model": {"freeze": "encoder"}})
    runs = [TriedRun((), loaded(BASE, small)), TriedRun((), loaded(frozen, large))]
    trained, still = (run_size(run.config, load_bert_config(Path(run.config.model.encoder))) for run in runs)
    assert still.model > trained.model
    assert still.checkpoint < trained.checkpoint
    assert largest_run(runs) == RunSize(still.model, trained.checkpoint)
    monkeypatch.setattr(encoder, "find_encoder", lambda _: None)
    assert largest_run(runs) is None
