"""Lines that may be shown more than once."""

import warnings

from search.display.notices import notice


def test_the_same_line_is_shown_again() -> None:
    with warnings.catch_warnings(record=True) as shown:
        for _ in range(3):
            notice("the database is away")
    assert [str(one.message) for one in shown] == ["the database is away"] * 3
