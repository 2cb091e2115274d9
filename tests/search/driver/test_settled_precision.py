"""One precision for all trials of a study that leaves it to a measurement."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from inline_executor import InlineExecutor
from stub_study import BASE, StubStudy, changed

from core.config import RunConfig
from core.run.precision_choice import PrecisionChoice
from data.errors import UserError
from search.storage.open import open_storage
from search.study.spec import StudySpec
from search.trials.record import stored_config

optuna.logging.set_verbosity(optuna.logging.WARNING)


class MeasuringExecutor(InlineExecutor):
    """Chooses ``faster``, or has no bfloat16 if that is None; remembers what it was asked."""

    def __init__(self, faster: str | None) -> None:
        super().__init__()
        self.faster = faster
        self.asked: list[str] = []

    def choose_precision(self, config: RunConfig) -> PrecisionChoice:
        self.asked.append(config.compute.precision)
        if config.compute.precision == "bfloat16" and self.faster is None:
            raise UserError("device 'cpu' does not support bfloat16 here")
        return PrecisionChoice(self.faster or "float32", "measured")


def spec_of(precision: str, trials: int = 3) -> StudySpec:
    compute = BASE.compute.model_copy(update={"precision": precision})
    return changed(base=BASE.model_copy(update={"compute": compute}), trials=trials)


def run(root: Path, faster: str | None, precision: str = "auto", trials: int = 3) -> MeasuringExecutor:
    executor = MeasuringExecutor(faster)
    StubStudy(root, spec_of(precision, trials)).driver(executor).run()
    return executor


def precisions(root: Path) -> list[str]:
    return [stored_config(trial).compute.precision for trial in StubStudy(root).trials]


@pytest.mark.parametrize("faster", ["float32", "bfloat16", None])
def test_all_trials_have_the_chosen_precision(tmp_path: Path, faster: str | None) -> None:
    assert run(tmp_path, faster).asked == ["auto"]
    assert precisions(tmp_path) == [faster or "float32"] * 3


def test_trials_are_those_of_a_study_that_names_the_precision(tmp_path: Path) -> None:
    """Their digests do not say how it was chosen."""
    run(tmp_path / "auto", "bfloat16")
    run(tmp_path / "named", None, precision="bfloat16")
    digests = [[stored_config(t).digest for t in StubStudy(tmp_path / name).trials] for name in ("auto", "named")]
    assert digests[0] == digests[1]


@pytest.mark.parametrize("faster", ["float32", "bfloat16"])
def test_a_resumed_study_keeps_its_precision(tmp_path: Path, faster: str) -> None:
    """Whatever would be measured now: the load of a machine changes, and so may the machine."""
    run(tmp_path, faster)
    other = "float32" if faster == "bfloat16" else "bfloat16"
    resumed = run(tmp_path, other, trials=5)
    assert resumed.asked == ([] if faster == "float32" else ["bfloat16"])  # is it supported?
    assert precisions(tmp_path) == [faster] * 5


def test_a_machine_without_it_says_so_in_one_line(tmp_path: Path) -> None:
    run(tmp_path, "bfloat16")
    with pytest.raises(UserError) as refused:
        run(tmp_path, None, trials=5)
    assert str(refused.value) == (
        "study 'stub' trains in bfloat16, which compute.precision = 'auto' chose when it began: device 'cpu' does not "
        "support bfloat16 here; continue it on a machine that does, or start a new study with --name NEW"
    )
    assert len(precisions(tmp_path)) == 3


def test_a_finished_study_asks_for_nothing(tmp_path: Path) -> None:
    run(tmp_path, "bfloat16")
    assert run(tmp_path, None).asked == []


def test_a_study_that_named_its_precision_keeps_it(tmp_path: Path) -> None:
    run(tmp_path, None, precision="float32")
    assert run(tmp_path, "bfloat16", trials=5).asked == []
    assert precisions(tmp_path) == ["float32"] * 5


def test_a_study_that_was_killed_before_its_first_trial_measures_once(tmp_path: Path) -> None:
    study, executor = StubStudy(tmp_path, spec_of("auto")), MeasuringExecutor("bfloat16")
    assert study.driver(executor).precision == PrecisionChoice("bfloat16", "measured")
    assert run(tmp_path, "float32").asked == ["bfloat16"]
    assert precisions(tmp_path) == ["bfloat16"] * 3


def test_a_study_that_names_its_precision_is_not_measured(tmp_path: Path) -> None:
    assert run(tmp_path, "bfloat16", precision="float32").asked == []
    study = optuna.load_study(study_name="stub", storage=open_storage(None, tmp_path))
    assert "precision" not in study.user_attrs


def test_a_driver_that_was_faster_has_chosen(tmp_path: Path) -> None:
    class Overtaken(MeasuringExecutor):
        def choose_precision(self, config: RunConfig) -> PrecisionChoice:
            run(tmp_path, "float32", trials=1)
            return super().choose_precision(config)

    assert StubStudy(tmp_path, spec_of("auto")).driver(Overtaken("bfloat16")).precision == PrecisionChoice(
        "float32", "measured"
    )
