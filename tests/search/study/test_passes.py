"""Lengths in passes over the training sets: what they mean in examples, where they are given, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from data.errors import UserError
from data.synthetic.corpus import write_corpus
from search.study.passes import TrainingSets
from search.study.spec import StudySpec
from tests.search.study.comparison_texts import load

SPACE = '[space]\n"optim.learning_rate" = [1e-5, 1e-4]\n'
SIZES = {"sst": 40, "para": 120, "sts": 60}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with training sets of these sizes."""
    folder = tmp_path_factory.mktemp("data")
    write_corpus(folder, train=SIZES, dev=10, test=10)
    return folder


def study(data: Path, base: str, rest: str = SPACE) -> str:
    return f'tasks = ["sst", "para", "sts"]\n{rest}[base]\ndata.directory = "{data}"\n{base}'


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(UserError) as caught:
        load(folder, text)
    return str(caught.value).replace(f"{folder}{os.sep}", "")


def length(spec: StudySpec) -> int:
    return spec.base.budget.examples


@pytest.mark.parametrize(
    ("base", "examples", "words"),
    [
        ("budget.passes = 10\n", 2200, "10 passes over the joint training set of 220 examples = 2,200"),
        ("budget.passes = 1\n", 220, "1 pass over the joint training set of 220 examples = 220"),
        ("budget.passes = 0.25\n", 55, "0.25 passes over the joint training set of 220 examples = 55"),
        ("budget.passes = 2\ntasks.para.train_limit = 50\n", 300, "2 passes over the joint training set of 150"),
        (
            'budget = { passes = 20, passes_over = "smallest" }\n',
            20 * 3 * 40,
            "20 passes over the smallest training set (sst: 40 examples; as many batches of every other task) = 2,400",
        ),
        # 30 batches of sts end before 40 of sst: 30 rounds of 1 + 4 + 2 examples.
        (
            'budget = { passes = 1, passes_over = "smallest", batch_size = 1 }\n'
            "tasks = { para.batch_size = 4, sts.batch_size = 2 }\n",
            210,
            "1 pass over the smallest training set (para: 120 examples; as",
        ),
    ],
)
def test_passes_become_examples(tmp_path: Path, data: Path, base: str, examples: int, words: str) -> None:
    spec = load(tmp_path, study(data, base))
    assert length(spec) == examples
    assert spec.lengths.keys() == {""}
    assert spec.lengths[""].startswith(words)


def test_a_run_of_passes_is_that_of_the_same_examples(tmp_path: Path, data: Path) -> None:
    """Everything that is recorded is in examples."""
    passes, examples = (load(tmp_path, study(data, f"budget.{one}\n")) for one in ("passes = 3", "examples = 660"))
    assert passes.base == examples.base
    assert passes.base.digest == examples.base.digest
    assert passes.identity() == examples.identity()
    assert examples.lengths == {}


def test_a_generated_corpus_is_not_needed(tmp_path: Path) -> None:
    spec = load(tmp_path, study(Path("nowhere"), "budget.passes = 2\n", f"[synthetic]\ntrain = 50\n{SPACE}"))
    assert length(spec) == 2 * 3 * 50


def test_the_last_table_decides_whatever_its_unit(tmp_path: Path, data: Path) -> None:
    presets = tmp_path / "studies" / "presets"
    presets.mkdir(parents=True)
    (presets / "long.toml").write_text('[budget]\npasses = 5\npasses_over = "smallest"\n')
    from_preset = 'preset = "long"\n' + study(data, "", SPACE)
    assert length(load(tmp_path, from_preset)) == 5 * 3 * 40
    assert length(load(tmp_path, 'preset = "long"\n' + study(data, "budget.examples = 70\n"))) == 70
    assert length(load(tmp_path, from_preset + "[override.budget]\nexamples = 80\n")) == 80
    assert length(load(tmp_path, study(data, "budget.examples = 70\n") + "[override.budget]\npasses = 1\n")) == 220
    partly = 'preset = "long"\n' + study(data, 'budget.passes_over = "joint"\n')
    assert length(load(tmp_path, partly)) == 5 * 220


def test_a_first_trial_of_as_many_examples(tmp_path: Path, data: Path) -> None:
    """It is compared with the base in examples."""
    first = "[first.wide]\noptim.learning_rate = 1e-4\nbudget.passes = {}\n"
    spec = load(tmp_path, study(data, "budget.examples = 220\n") + first.format(1))
    assert [trial.role for trial in spec.first_trials] == ["first wide"]
    other = load(tmp_path, study(data, "budget.examples = 220\n") + first.format(2))
    assert other.notes == ("no trial of 'wide': budget.examples = 440 is not searched; it is 220 in all trials",)


@pytest.mark.parametrize(
    ("base", "message"),
    [
        (
            "budget = { passes = 2, examples = 10 }\n",
            "budget.passes: cannot be combined with budget.examples: give the length of a run in one of them",
        ),
        ('budget.passes_over = "smallest"\n', "budget.passes_over: needs budget.passes, the number of passes"),
        ('budget = { passes = 2, passes_over = "each" }\n', "must be one of 'joint' or 'smallest', got 'each'"),
        ("budget.passes = 0\n", "budget.passes: must be above 0, got 0"),
        ("budget.passes = true\n", "budget.passes: must be a number, got True"),
        ("budget.passes = inf\n", "budget.passes: must be a finite number, got inf"),
    ],
)
def test_what_is_refused_before_data_are_read(tmp_path: Path, base: str, message: str) -> None:
    text = study(Path("nowhere"), base)
    line = next(number for number, line in enumerate(text.splitlines(), 1) if line.startswith("budget"))
    found = refusal(tmp_path, text)
    assert found.startswith(f"study.toml:{line}: base.budget")
    assert message in found
    assert "\n" not in found


def test_all_mistakes_of_a_file_come_before_its_data(tmp_path: Path) -> None:
    text = study(Path("nowhere"), "budget.passes = 2\noptim.warmup = 2\n", '[space]\n"optim.rate" = [1]\n')
    found = refusal(tmp_path, text)
    assert "base.optim.warmup: must be below 1, got 2" in found
    assert 'space."optim.rate": no such setting' in found
    assert "nowhere" not in found


def test_data_that_are_not_there(tmp_path: Path) -> None:
    found = refusal(tmp_path, study(Path("nowhere"), "budget.passes = 2\n"))
    assert found.startswith("study.toml: budget.passes needs the sizes of the training files: ")
    assert "nowhere" in found


def test_rungs_beyond_the_end_are_refused_once_the_end_is_known(tmp_path: Path, data: Path) -> None:
    found = refusal(tmp_path, study(data, "budget.passes = 1\neval.rungs = [100, 300]\n"))
    assert found == "study.toml:7: base.eval.rungs: must not exceed budget.examples = 220, got 300"


def test_passes_are_no_setting_to_search(tmp_path: Path) -> None:
    found = refusal(tmp_path, study(Path("nowhere"), "", '[space]\n"budget.passes" = [1, 2]\n'))
    assert 'space."budget.passes": cannot be searched: all trials are scored at the same positions' in found


def test_other_data_of_another_size_are_another_study(tmp_path: Path, data: Path) -> None:
    """The line says where the number comes from."""
    text = study(data, "budget.passes = 1\n")
    recorded = load(tmp_path, text.replace("passes = 1", "examples = 210")).identity()
    (line,) = load(tmp_path, text).difference(recorded)
    assert line == "base.budget.examples: was 210, is now 220 (computed from passes: is the data the same?)"


def test_other_data_under_variants(tmp_path: Path, data: Path) -> None:
    text = study(data, "", "[variants.a]\n[variants.b]\nbudget.passes = 1\n")
    recorded = load(tmp_path, text.replace("passes = 1", "examples = 210")).identity()
    (line,) = load(tmp_path, text).difference(recorded)
    assert line.startswith("space: variant: b: budget.examples was 210, is now 220 (computed from passes: ")


def test_sizes_that_stand_for_unknown_ones_tell_runs_apart(tmp_path: Path, data: Path) -> None:
    """With equal ones, three passes over one set would be those over three sets, and two variants the same run."""
    config = load(tmp_path, study(data, "")).base
    sizes = TrainingSets().of_run(config)
    assert len(set(sizes.values())) == 3
    assert min(sizes.values()) > 10**11
