"""``python -m search.finalists``: once with real training, else with stub training in this process."""

from __future__ import annotations

import json
import multiprocessing
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
import typer
from predicting_executor import PredictingExecutor

from core.config import RunConfig
from core.inputs.dev_gold import dev_gold
from core.run.cost import Cost
from core.run.evaluation import Evaluation
from core.run.run_folder import RunFolder
from core.statistics import ScoreIntervals, overall_score, own_metric
from search.analysis.dev_bootstrap import score_replicates
from search.analysis.expected_score import estimate_best
from search.export.__main__ import main as export_main
from search.finalists.__main__ import main
from search.finalists.final_outcome import FinalOutcome, read_final
from search.finalists.final_sentences import outcome_notes, outcome_sentences
from search.finalists.final_tables import difference_tables, final_table
from search.recorded.ranking import best_trial, recorded_choice
from search.report.__main__ import main as report_main
from search.report.parts import Note
from search.report.sections.finalists import finalists_section
from search.run import main as run_main
from search.storage.file_lease import file_lease
from search.storage.open import open_storage
from search.trials.folders import TrialFolders
from search.trials.record import TrialRecord

Run = Callable[..., subprocess.CompletedProcess[str]]

RATES = """
[space]
"optim.learning_rate" = [1e-3, 9e-4, 1.2e-3, 1e-1]
"""


@pytest.fixture(autouse=True)
def _stubbed(monkeypatch: pytest.MonkeyPatch) -> None:
    stub_training(monkeypatch)


def stub_training(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("search.console.session.LocalExecutor", lambda *_, **__: PredictingExecutor())


@pytest.fixture(scope="module")
def searched_once(tmp_path_factory: pytest.TempPathFactory, tiny_study: str) -> Path:
    """The runs folder of a study ``rates``: three good learning rates, and one that learns nothing as the default."""
    folder = tmp_path_factory.mktemp("searched")
    text = tiny_study[: tiny_study.index("[space]")].replace("trials = 4", 'trials = 4\nsampler = "grid"')
    text = text.replace("learning_rate = 1e-3", "learning_rate = 1e-1").replace("dev = 60", "dev = 200")
    (folder / "rates.toml").write_text(text + RATES)
    with pytest.MonkeyPatch.context() as patch:
        stub_training(patch)
        run_main(str(folder / "rates.toml"), runs_dir=folder / "runs", quiet=True, trials=5)
    return folder / "runs"


@pytest.fixture
def searched(searched_once: Path, tmp_path: Path) -> Path:
    """The same, to be changed at will."""
    return Path(shutil.copytree(searched_once, tmp_path / "runs"))


def final(runs: Path, *, dies_at: int | None = None, **options: Any) -> None:
    """The command, on the study ``rates``."""
    PredictingExecutor.dies_at = dies_at
    main("rates", **{"top": 3, "seeds": 3, "preset": ["siamese"], "runs_dir": runs, "quiet": True, **options})


@pytest.fixture(scope="module")
def finished_final(searched_once: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The runs folder, and what the command printed."""
    runs = Path(shutil.copytree(searched_once, tmp_path_factory.mktemp("final") / "runs"))
    printed = StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed):
        stub_training(patch)
        final(runs, quiet=False)
    return runs, printed.getvalue()


def study_of(runs: Path, name: str) -> optuna.Study:
    return optuna.load_study(study_name=name, storage=open_storage(None, runs))


def read(runs: Path, name: str = "rates") -> FinalOutcome:
    found = read_final(study_of(runs, name), open_storage(None, runs), TrialFolders(runs / name))
    assert found is not None
    return found


def recorded(runs: Path, name: str = "rates-finalists") -> list[tuple[Any, ...]]:
    """All that must not depend on kills."""
    study = study_of(runs, name)
    return [(t.number, t.state.name, t.params, t.value, t.user_attrs["role"]) for t in study.get_trials()] + sorted(
        (key, json.dumps(study.user_attrs[key])) for key in ("finalists", "choice", "dropped")
    )


def test_the_final(finished_final: tuple[Path, str]) -> None:
    """The default configuration is clearly behind and gets two seeds, the others three; the best mean wins."""
    runs, printed = finished_final
    study, outcome = study_of(runs, "rates-finalists"), read(runs)
    best = best_trial(study_of(runs, "rates"))
    assert best is not None
    trials = {one.name: 3 for one in outcome.finalists if one.name.startswith("trial ")}
    assert {one.name: len(one.runs) for one in outcome.finalists} == {**trials, "default": 2, "preset siamese": 2}
    assert len(trials) == 3
    assert (outcome.saved, outcome.seeds, outcome.best_of_study) == (2, (1, 2, 3), best.number)
    for one in outcome.finalists:
        records = [TrialRecord.read(study.get_trials()[number]) for number in one.runs]
        assert [record.config.seed for record in records if record.config] == list(outcome.seeds[: len(one.runs)])
        overall = np.array([record.result.overall for record in records])
        assert one.means["overall"] == pytest.approx(overall.mean())
        assert one.spreads["overall"] == pytest.approx(overall.std(ddof=1))
        assert one.means["sts"] == pytest.approx(np.mean([record.result.scores["sts"] for record in records]))
    means = [one.means["overall"] for one in outcome.finalists]
    assert means == sorted(means, reverse=True)
    assert outcome.expected is not None
    assert outcome.expected.overall.dev == pytest.approx(means[0])
    assert outcome.expected.overall.expected < means[0]
    default = outcome.default
    assert default is not None
    assert default.dropped.startswith("after 2 seeds 0.")
    for line in (*outcome_sentences(outcome), *outcome_notes(outcome)):
        assert line in printed
    assert f"{means[0]:.4f} ± {outcome.winner.spreads['overall']:.4f}" in printed
    assert "Dropping saved 2 runs." in printed
    assert re.findall(r"(\d+) trials on 1 worker", printed) == ["15"]  # the estimate of the time, once for all rounds
    assert "resuming" not in printed
    assert "Model to use now: " in printed  # test_exportable_models.py says which
    assert "search.export --study rates" in printed


def test_differences_are_paired_and_per_task(finished_final: tuple[Path, str]) -> None:
    final_runs = finished_final[0]
    outcome, folders = read(final_runs), TrialFolders(final_runs / "rates-finalists")
    trials = study_of(final_runs, "rates-finalists").get_trials()
    runs = [[TrialRecord.read(trials[number]) for number in one.runs] for one in outcome.finalists]
    config = runs[0][0].config
    assert config is not None
    ends = np.cumsum([len(of) for of in runs])[:-1]
    together = score_replicates([record for of in runs for record in of], folders, config)
    preset = next(place for place, one in enumerate(outcome.finalists) if one.preset == "siamese")
    assert config.optim.learning_rate == pytest.approx(1e-3, rel=0.3)
    for task in ("overall", "sst", "sts"):
        scores = [
            np.array([r.result.overall if task == "overall" else r.result.scores[task] for r in of]) for of in runs
        ]
        intervals = ScoreIntervals(scores, np.split(together[task], ends, axis=1))
        found = outcome.winner.to_preset[task]
        assert found.value == pytest.approx(scores[0].mean() - scores[preset].mean())
        assert found.half_width == pytest.approx(intervals.difference_half_width(0, preset))
    assert outcome.finalists[preset].to_preset == {}
    assert outcome.winner.to_default["overall"].is_clear


def test_only_the_winners_models_stay(finished_final: tuple[Path, str]) -> None:
    runs = finished_final[0]
    study, outcome = study_of(runs, "rates-finalists"), read(runs)
    kept = {int(path.parents[1].name[-4:]) for path in runs.glob("rates-finalists/trial-*/best/model.safetensors")}
    assert kept == set(outcome.winner.runs)
    best = best_trial(study)
    assert best is not None
    assert best.number in outcome.winner.runs
    assert best.value == max(study.get_trials()[number].value for number in outcome.winner.runs)


def test_killed_and_resumed_it_has_the_same_winner(searched: Path, finished_final: tuple[Path, str]) -> None:
    """After the default configuration was dropped; and in between the study has found something better."""
    process = multiprocessing.get_context("fork").Process(target=final, args=(searched,), kwargs={"dies_at": 12})
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert recorded_choice(study_of(searched, "rates-finalists")) is None
    better = study_of(searched, "rates")
    trial, old = better.ask(), best_trial(better)
    assert old is not None
    config = json.loads(old.user_attrs["config"])
    config["optim"]["learning_rate"] = 8e-4
    for key, value in {**old.user_attrs, "config": json.dumps(config)}.items():
        trial.set_user_attr(key, value)
    better.tell(trial, 0.99)
    assert best_trial(better).number == trial.number  # type: ignore[union-attr]
    final(searched)
    assert recorded(searched) == recorded(finished_final[0])
    final(searched)
    assert recorded(searched) == recorded(finished_final[0])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"study": "nothing"}, "--study nothing: no such study"),
        ({"name": "../out"}, "--name ../out: a study has a folder of its name; use letters"),
        ({"name": ".."}, "--name ..: a study has a folder of its name; use letters"),
        ({"top": 0}, "--top 0: must be at least 1"),
        ({"seeds": 0}, "--seeds 0: must be at least 1"),
        ({"preset": ["siames"], "name": "new"}, "error: no preset 'siames'; did you mean 'siamese'?"),
        ({"name": "rates"}, "--name rates: the finalists of 'rates' need another name than the study itself"),
        ({"top": 2}, "was started with --top 1 --seeds 1; pass the same options to resume it"),
        (
            {"study": "rates-finalists"},
            "contains the finalists of 'rates'; for more seeds, pass --study rates --seeds S",
        ),
        ({"data": Path("nowhere")}, "nowhere"),
    ],
)
def test_wrong_input_is_told_in_one_line(
    final_of_one: Path, options: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as error:
        main(**{"study": "rates", "top": 1, "seeds": 1, "runs_dir": final_of_one, "quiet": True, **options})
    assert error.value.exit_code == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.startswith("error: ")
    assert told.count("\n") == 1


@pytest.fixture(scope="module")
def final_of_one(tmp_path_factory: pytest.TempPathFactory, tiny_study: str) -> Path:
    """A final with a single run: the default configuration is the best one, and has one seed."""
    folder = tmp_path_factory.mktemp("final")
    with pytest.MonkeyPatch.context() as patch:
        stub_training(patch)
        (folder / "rates.toml").write_text(tiny_study)
        run_main(str(folder / "rates.toml"), runs_dir=folder / "runs", quiet=True)
        final(folder / "runs", top=1, seeds=1, preset=None)
    return folder / "runs"


def test_a_study_that_is_being_run_is_refused(final_of_one: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with file_lease(final_of_one / "rates", "rates"), pytest.raises(typer.Exit) as error:
        main("rates", name="new", runs_dir=final_of_one, dry_run=True)
    assert error.value.exit_code == 2
    assert "study 'rates' is running" in capsys.readouterr().err


def test_what_was_chosen_goes_on_while_the_study_is_run(final_of_one: Path) -> None:
    with file_lease(final_of_one / "rates", "rates"):
        main("rates", top=1, seeds=1, runs_dir=final_of_one, quiet=True)


def all_words(outcome: FinalOutcome) -> str:
    """What the report says of it."""
    section = finalists_section(SimpleNamespace(outcome=outcome))  # type: ignore[arg-type]
    assert section is not None
    tables = [table.caption for table in (final_table(outcome), *difference_tables(outcome))]
    notes = [part.text for part in section.parts if isinstance(part, Note)]
    return "\n".join([*outcome_sentences(outcome), *tables, *notes])


def test_one_seed_has_no_spread(final_of_one: Path) -> None:
    outcome = read(final_of_one)
    assert outcome.winner.spreads["overall"] is None
    words = all_words(outcome)
    assert ", from one run with a fresh seed." in words
    assert "trained again with one fresh seed. Bars are 95 % intervals for other dev examples only: with" in words
    assert (
        "± is half the width of a 95 % interval for other dev examples only: with one seed per configuration, the"
        in words
    )
    assert "other seeds" not in words
    assert "standard deviation" not in words
    assert "1 fresh seeds" not in words


def test_without_predictions_intervals_are_for_seeds_alone(finished_final: tuple[Path, str], tmp_path: Path) -> None:
    runs = Path(shutil.copytree(finished_final[0], tmp_path / "runs"))
    words = all_words(read(runs))
    assert (
        "with 3 fresh seeds each. Bars are 95 % intervals for other dev examples and other seeds. To compare" in words
    )
    assert (
        "After a mean, ± is the standard deviation over its seeds. After a difference, ± is half the width of a 95 %"
        in words
    )
    assert "Differences are paired by dev examples." in words
    assert re.search(r"default was dropped: after 2 seeds 0\.\d{4} ± 0\.\d{4} \(a 98\.75 % interval\) behind", words)
    for file in runs.glob("rates-finalists/trial-*/predictions/*"):
        file.unlink()
    words = all_words(read(runs))
    assert "Bars are 95 % intervals for other seeds only, not for other dev examples: '" in words
    assert "for other dev examples and other seeds" not in words
    assert "paired" not in words


def lopsided(config: RunConfig, rung: int, run: RunFolder, slope: float) -> Evaluation:  # noqa: ARG001
    """The default configuration, at 1e-1, is the best overall and poor in sts."""
    leads, scores = config.optim.learning_rate > 0.05, {}
    rng = np.random.default_rng([int(config.digest[:8], 16), rung])
    specs = {name: task.spec for name, task in config.tasks.items()}
    for task, spec in specs.items():
        gold = dev_gold(config, task)
        if spec.kind.is_score:
            values = (0.4 if leads else 1.0) * gold + rng.normal(size=len(gold))
        else:
            noise = rng.dirichlet(np.ones(len(spec.classes)), len(gold))
            values = (2.0 if leads else 0.2) * np.eye(len(spec.classes))[gold] + noise
        run.write_predictions(task, rung, values.astype(np.float32))
        scores[task] = own_metric(spec, values.astype(np.float32), gold)
    overall = float(overall_score(scores, specs, dict.fromkeys(specs, 1.0)))
    return Evaluation(rung, rung, 1, overall, scores, {}, {}, rung / 100, 100.0, cost=Cost(1000, 100, rung, 50.0))


def test_who_is_below_a_floor_neither_wins_nor_drops_others(searched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor has it a part in what the winner is expected to score."""
    monkeypatch.setattr("predicting_executor.predicted", lopsided)
    with_floor(searched, 0.7)
    final(searched, preset=None)
    outcome = read(searched)
    assert all(len(one.runs) == 3 for one in outcome.finalists)
    default = outcome.default
    assert default is not None
    winner = outcome.winner.means["overall"]
    assert default.means["overall"] > winner + 0.05
    assert set(outcome.contenders) == {one.name for one in outcome.finalists} - {"default"}
    assert outcome.expected is not None
    assert outcome.expected.overall.expected < winner
    best, _ = estimate_best(study_of(searched, "rates-finalists"), TrialFolders(searched / "rates-finalists"))
    assert best is not None
    assert best.trials == 9
    assert best.scores.overall.expected < best.scores.overall.dev
    sts = f"{default.means['sts']:.3f}".removeprefix("0")
    assert f"default cannot win: sts {sts} is below its floor of .7." in outcome_notes(outcome)
    assert (
        "Selection among 3 eligible finalists and their checkpoints inflates the dev score by"
        in outcome_sentences(outcome)[1]
    )


def test_failed_runs_are_told_and_do_not_help_to_win(
    searched: Path, finished_final: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read(finished_final[0])
    lost = frozenset({before.winner.runs[0]})
    monkeypatch.setattr("search.console.session.LocalExecutor", lambda *_, **__: PredictingExecutor(failing=lost))
    final(searched)
    outcome, name = read(searched), before.winner.name
    assert outcome.failed == {name: 1}
    assert outcome.winner.name != name
    assert len(outcome.winner.runs) == 3
    assert name not in outcome.contenders
    notes = outcome_notes(outcome)
    assert f"{name}: 1 of 3 runs failed." in notes
    assert f"{name} cannot win: others have more runs." in notes
    assert "Dropping saved 2 runs." in notes


def test_a_finalist_with_intervals_of_its_own_is_named(final_of_one: Path) -> None:
    outcome = read(final_of_one)
    assert not any("its own" in note for note in outcome_notes(outcome))
    apart = replace(outcome.winner, name="trial 3", apart=("overall", "sts"))
    said = "The runs of trial 3 vary so much in overall and sts that its interval is based on them alone."
    assert said in outcome_notes(replace(outcome, finalists=(apart,)))


def test_a_study_that_cannot_have_finalists(tmp_path: Path, tiny_study: str, capsys: Any) -> None:
    (tmp_path / "one.toml").write_text(tiny_study)
    run_main(str(tmp_path / "one.toml"), runs_dir=tmp_path, quiet=True, trials=1)
    variants = tiny_study[: tiny_study.index("[space]")].replace("trials = 4\n", "seeds = [0, 1]\n")
    (tmp_path / "two.toml").write_text(variants + "[variants.a]\n")
    run_main(str(tmp_path / "two.toml"), runs_dir=tmp_path, quiet=True)
    capsys.readouterr()
    for name, said in (
        ("one", "has 1 finished trial that can win; finalists"),
        ("two", "already compares variants over seeds"),
    ):
        with pytest.raises(typer.Exit) as error:
            main(name, runs_dir=tmp_path, quiet=True)
        assert error.value.exit_code == 2
        assert said in capsys.readouterr().err


def with_floor(runs: Path, floor: float) -> None:
    """The study ``rates`` has one for sts."""
    study = study_of(runs, "rates")
    identity = json.loads(study.user_attrs["identity"])
    study.set_user_attr("identity", json.dumps({**identity, "floors": {"sts": {"score": floor, "from": 0}}}))


def test_a_floor_of_the_study_holds_for_means(searched: Path) -> None:
    """Nobody wins below it, whatever the overall score."""
    with_floor(searched, 0.999)
    with pytest.raises(typer.Exit) as error:
        final(searched)
    assert error.value.exit_code == 1
    assert recorded_choice(study_of(searched, "rates-finalists")) is None


def test_dry_run_trains_nothing(searched: Path, capsys: pytest.CaptureFixture[str]) -> None:
    final(searched, dry_run=True)  # what it prints is its result, also with --quiet
    out = capsys.readouterr().out
    assert "budget: 15 trials of up to 1,600 training examples" in out
    settings = out[out.index("settings that differ") :]
    assert re.search(r"^  trial \d: optim\.learning_rate = 0\.0009$", settings, re.MULTILINE)
    assert re.search(r"^  preset siamese: .*optim\.", settings, re.MULTILINE)
    assert "  default" not in settings
    assert "rates-finalists" not in optuna.get_all_study_names(open_storage(None, searched))


def test_with_real_training(finished_study: Any, tmp_path: Path, run_command: Run, capsys: Any) -> None:
    """Two finalists with two seeds each; then the export and the report, of both studies."""
    runs = shutil.copytree(finished_study.runs, tmp_path / "runs")
    done = run_command("search.finalists", "--study", "tiny", "--top", 1, "--seeds", 2, "--runs-dir", runs)
    assert done.returncode == 0, done.stderr
    outcome = read(runs, "tiny")
    assert "wins the final over seeds" in done.stdout
    best = best_trial(study_of(runs, "tiny"))
    assert best is not None
    assert f"{2 * len(outcome.finalists)} trials on 1 worker(s)" in done.stdout
    for study in ("tiny", "tiny-finalists"):
        export_main(study, runs_dir=runs)
        same = outcome.winner.source == best.number
        line = "The same configuration won the final" if same else "The final over seeds has another winner"
        assert (line in capsys.readouterr().out) == (study == "tiny")
    provenance = json.loads((runs / "tiny-finalists" / "export" / "predictions" / "provenance.json").read_text())
    assert provenance["trial"] in outcome.winner.runs
    report_main("tiny", runs_dir=runs)
    words = (runs / "tiny" / "report" / "report.md").read_text()
    for line in outcome_sentences(outcome):
        assert line in words
    assert f"{outcome.winner.name}, by its best run" in words  # whose errors are shown
    assert "wrong_of_2" in pd.read_csv(runs / "tiny" / "report" / "errors-sst.csv").columns
    frame = pd.read_csv(runs / "tiny" / "report" / "finalists.csv")
    assert frame["mean_overall"].tolist() == pytest.approx([one.means["overall"] for one in outcome.finalists])
    assert 'id="finalists"' in (runs / "tiny" / "report" / "report.html").read_text()
