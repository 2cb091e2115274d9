"""What a study asks a language model before it starts."""

from __future__ import annotations

from pathlib import Path

from search.augment.jobs import rephrasing_jobs
from tests.search.preflight.augmented_studies import Studies


def test_jobs_are_named_by_what_differs(tmp_path: Path) -> None:
    """Runs that ask in the same way share a job, which asks for the examples of all."""
    studies = Studies(tmp_path)
    space = """
"augmentation.sst.rephrased.fraction" = [0.1, 0.5]
"augmentation.sst.rephrased.swap" = [0.0, 1.0]
"tasks.sst.train_limit" = [20, 40]
"""
    spec = studies.study('augmentation.sst.rephrased.model = "llama"', space)
    jobs = rephrasing_jobs(spec.space, spec.base, studies.answers, ["sst"])
    assert list(jobs) == ["sst", "sst swap=1"]
    one, other = (set(job.chosen) for job in jobs.values())
    assert one == other
    assert 20 < len(one) <= 30  # half of 40, and half of 20 others that may be among them
    assert rephrasing_jobs(spec.space, spec.base, studies.answers, []) == {}
