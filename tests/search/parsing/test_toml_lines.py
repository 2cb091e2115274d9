"""Finding the line of a key."""

import pytest

from search.parsing.toml_lines import key_lines, line_of

TEXT = """\
# a comment with key = value
trials = 12
sampler = { name = "tpe" }

[base.optim]
learning_rate = 1e-3   # rate

[space]
"optim.learning_rate" = { low = 1e-5 }
'heads.sst.layers' = [
  1,
  2,
]
base . warmup = 3
"""


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (("trials",), 2),
        (("sampler", "name"), 3),
        (("base", "optim"), 5),
        (("base", "optim", "learning_rate"), 6),
        (("base", "optim", "unknown"), 5),
        (("space", "optim.learning_rate", "low"), 9),
        (("space", "heads.sst.layers", "choices"), 10),
        (("space", "base", "warmup"), 14),
        (("pruner",), None),
    ],
)
def test_line_of_a_key(key: tuple[str, ...], line: int | None) -> None:
    assert line_of(key, key_lines(TEXT)) == line
