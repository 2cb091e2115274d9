"""Requests that cannot be met are refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer

from search.finalists.__main__ import main
from search.run import main as run_main
from search.storage.file_lease import file_lease

pytestmark = pytest.mark.usefixtures("stubbed")


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
def test_wrong_input_is_reported_in_one_line(
    final_of_one: Path, options: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as error:
        main(**{"study": "rates", "top": 1, "seeds": 1, "runs_dir": final_of_one, "quiet": True, **options})
    assert error.value.exit_code == 2
    message = capsys.readouterr().err
    assert said in message
    assert message.startswith("error: ")
    assert message.count("\n") == 1


def test_a_running_study_is_refused(final_of_one: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with file_lease(final_of_one / "rates", "rates"), pytest.raises(typer.Exit) as error:
        main("rates", name="new", runs_dir=final_of_one, dry_run=True)
    assert error.value.exit_code == 2
    assert "study 'rates' is running" in capsys.readouterr().err


def test_chosen_finalists_continue_while_the_study_runs(final_of_one: Path) -> None:
    with file_lease(final_of_one / "rates", "rates"):
        main("rates", top=1, seeds=1, runs_dir=final_of_one, quiet=True)


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
