"""Where exported predictions are."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import UserError
from search.score.predicted import find_predictions, read_provenance


def test_predictions_are_found_in_the_folder_or_below_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no test predictions .* there; python -m search.export --study x writes them"):
        find_predictions(tmp_path, "x")
    folder = tmp_path / "predictions"
    folder.mkdir()
    (folder / "sst-test-output.csv").touch()
    assert find_predictions(tmp_path, None) == find_predictions(folder, None) == folder


def test_the_record_is_next_to_the_predictions_or_above_them(tmp_path: Path) -> None:
    folder = tmp_path / "predictions"
    folder.mkdir()
    assert read_provenance(folder) == {}
    (tmp_path / "ensemble.json").write_text('{"study": "of several"}')
    assert read_provenance(folder) == {"study": "of several"}
    (folder / "provenance.json").write_text('{"study": "of one"}')
    assert read_provenance(folder) == {"study": "of one"}
