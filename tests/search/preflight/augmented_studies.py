"""Studies that read further training examples, and their answers."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from data.augmentation.rephrasing.answer_cache import AnswerCache
from data.augmentation.rephrasing.chat_request import Answer
from data.augmentation.rephrasing.example_rewriter import ExampleRewriter
from data.augmentation.rephrasing.job import RephrasingJob
from data.errors import UserError
from data.synthetic.corpus import write_corpus
from search.augment.jobs import rephrasing_jobs
from search.preflight.data import DataReport, check_data
from search.preflight.further import check_further
from search.study.file import load_study
from search.study.spec import StudySpec

TRAIN = 60


STUDY = """\
tasks = ["sst"]
[base]
data.directory = "DATA"
BASE
[space]
"optim.learning_rate" = { low = 1e-5, high = 1e-3, log = true }
SPACE
"""


class Studies:
    """Studies of sst in a folder, with data to spoil."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data, self.answers = folder, folder / "data", folder / "answers"
        write_corpus(self.data, train=TRAIN, dev=20, test=20, seed=3)

    def study(self, base: str = "", space: str = "") -> StudySpec:
        path = self.folder / "study.toml"
        path.write_text(STUDY.replace("DATA", str(self.data)).replace("BASE", base).replace("SPACE", space))
        return load_study(path)

    def extra(self, name: str, *rows: tuple[str, object], label: str = "sentiment") -> Path:
        with (self.data / name).open("w", newline="") as file:
            csv.writer(file, delimiter="\t").writerows([("sentence", label), *rows])
        return self.data / name

    def check(self, spec: StudySpec) -> DataReport:
        return check_further(check_data(spec.base), spec, self.answers, self.folder / "faults.txt")

    def refusal(self, spec: StudySpec) -> str:
        with pytest.raises(UserError) as caught:
            self.check(spec)
        assert "\n" not in str(caught.value)
        return str(caught.value).replace(f"{self.folder}/", "")

    def answer(self, spec: StudySpec, *, but: int = 0) -> None:
        """Answer as search.augment does, except for the last few examples."""
        for job in rephrasing_jobs(spec.space, spec.base, self.answers, list(spec.base.tasks)).values():
            answer(job, but)


def answer(job: RephrasingJob, but: int = 0) -> None:
    cache, rewriter = AnswerCache(job.cache_folder), ExampleRewriter(job.settings)
    with cache.writing():
        for position in job.chosen[: len(job.chosen) - but]:

            def say(request: Any) -> Answer:
                cache.put(request, Answer(f"truly {request.sentence}", "stop"))
                return Answer(f"truly {request.sentence}", "stop")

            rewriter.rewrite(position, job.train.sentences[position], say)
