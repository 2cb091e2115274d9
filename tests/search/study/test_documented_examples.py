"""The study files that docs/study-files.md shows are valid, a scenario through all modules of ``search.study``."""

import re
from pathlib import Path

from data.augmentation.rephrasing.endpoint_settings import EndpointSettings
from search.space.feasibility import try_space
from search.study.file import load_study
from search.study.spec import SyntheticSpec
from tests.search.study_texts import with_space, write


def examples_under(heading: str, text: str) -> list[str]:
    """Return the TOML examples of a section of the page; those before the first section for no heading."""
    sections = re.split(r"^## ", text, flags=re.MULTILINE)
    (section,) = [part for part in sections[1:] if part.startswith(heading)] if heading else sections[:1]
    return re.findall(r"```toml\n(.*?)```", section, re.DOTALL)


def test_the_examples_of_comparisons_are_valid(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "docs" / "study-files.md").read_text(encoding="utf-8")
    preset, override = examples_under("Presets", text)
    whole, short, lengths = examples_under("Comparisons: ", text)
    (first,) = examples_under("Trials to begin with", text)
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "ours.toml").write_text(preset)
    spec = load_study(write(tmp_path, whole))
    assert spec.trials == 6
    assert spec.base.heads["sst"].layers == 2
    assert load_study(write(tmp_path, 'tasks = ["sst"]\n' + override + short)).trials == 2
    unequal = load_study(write(tmp_path, 'tasks = ["sst", "para", "sts"]\n' + lengths + "[synthetic]\n"))
    assert unequal.own_rungs["ours"] == (3000, 6000, 12_000)
    assert unequal.own_rungs["theirs"][-1] == unequal.longest_run
    needs = examples_under("The space", text)[0]
    searched = load_study(write(tmp_path, with_space(needs + '"heads.sst.layers" = [1, 2]') + first))
    assert any("no file" in note for note in searched.notes)
    left_out = [note.split(":")[0] for note in searched.notes if note.startswith("no trial of")]
    assert left_out == ["no trial of 'cooking'", "no trial of 'wider'"], "this space does not hold them"


def test_the_example_of_folds_is_valid(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "docs" / "study-files.md").read_text(encoding="utf-8")
    (folds,) = examples_under("Folds for small data", text)
    base = load_study(write(tmp_path, folds + "[space]\n'sampler.alpha' = [0.0, 1.0]")).base
    rule = base.tasks["ticket"].spec.split
    assert rule is not None
    assert (rule.folds, rule.group) == (5, "customer")


def test_the_examples_of_the_documentation_are_valid(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "docs" / "study-files.md").read_text(encoding="utf-8")
    (whole,), (irony, of_hub, topic), (base, passes), (synthetic,), (endpoint,) = (
        examples_under(heading, text) for heading in ("", "Tasks", "The base", "A generated corpus", "A language model")
    )
    _, conditions, linked = examples_under("The space", text)
    assert load_study(write(tmp_path, whole)).base.model.encoder == "minilm"
    assert list(load_study(write(tmp_path, irony + "[space]\n'sampler.alpha' = [0.0, 1.0]")).base.tasks) == [
        "sst",
        "irony",
    ]
    (stsb,) = load_study(write(tmp_path, of_hub + "[space]\n'sampler.alpha' = [0.0, 1.0]")).base.tasks.values()
    assert (str(stsb.spec.kind), stsb.spec.files.test) == ("score-pair", None)
    taken = load_study(write(tmp_path, topic + "[space]\n'sampler.alpha' = [0.0, 1.0]"))
    assert taken.base.tasks["topic"].spec.shares == {"dev": 0.1, "test": 0.1}
    table = [line for line in re.findall(r"\| `(\"[a-z._]+\" = [^`]*)`", text) if "heads.sst.layers" not in line]
    assert len(table) == 6
    space = "\n".join(["[space]", conditions, *table])
    spec = load_study(
        write(tmp_path, 'tasks = ["sst", "para", "sts"]\n' + "\n".join([base, synthetic, endpoint, space]))
    )
    assert len(spec.space.dimensions) == 5 + 6
    assert spec.base.rungs == (2500, 5000, 10000, 20000)
    assert spec.synthetic == SyntheticSpec()
    longer = load_study(write(tmp_path, with_space('"sampler.alpha" = [0.0, 1.0]\n' + passes + synthetic)))
    assert longer.base.budget.examples == 10 * 3 * 4000
    assert spec.endpoint is not None
    assert (spec.endpoint.base_url, spec.endpoint.key_variable) == ("http://localhost:11434/v1", "MY_KEY")
    rows = re.findall(r"^\| (`.*?`) \|", text.partition("## A language model")[2].partition("\n## ")[0], re.MULTILINE)
    assert set(re.findall(r"`([a-z_]+)`", " ".join(rows))) == set(EndpointSettings.model_fields)
    designs = load_study(write(tmp_path, with_space(linked)))
    heads = {run.config.heads["sts"] for run in try_space(designs.space, designs.base)}
    assert {(head.pair, head.score_output, head.combine, head.loss) for head in heads} == {
        ("cross", "sigmoid", None, None),
        ("siamese", "cos", "cos", "pearson"),
    }
    assert designs.space.encode(designs.base).notes == ()
