"""Changes of a space, in words."""

import json

from search.space.difference import space_difference
from search.space.parsing import parse_space
from tests.search.space.made_spaces import EVERYTHING, base


def test_difference_in_words() -> None:
    old = parse_space(EVERYTHING, base()).to_json()
    table = json.loads(json.dumps(EVERYTHING))
    del table["sampler.alpha"]
    table["optim.warmup"] = [0.0, 0.1]
    table["optim.learning_rate"] = {"low": 1e-5, "high": 1e-2}
    table["heads.sts.pair"] = ["siamese", "cross"]
    table["heads.sst.layers"] = [1, 3, 5]
    table["heads.sst.dropout_hidden"]["when"] = {"heads.sst.layers": 3}
    table["loss.weights"] = {"simplex": ["sst", "para"]}
    assert space_difference(old, parse_space(table, base())) == [
        "sampler.alpha: was searched, is no longer",
        "optim.warmup: was not searched, now is",
        "heads.sts.pair: choices was [cross, siamese], is now [siamese, cross]",
        "heads.sst.layers: was a range, is now choices",
        "heads.sst.dropout_hidden: when was {heads.sst.layers = {above = 1}}, is now {heads.sst.layers = [3]}",
        "optim.learning_rate: high was 0.001, is now 0.01",
        "optim.learning_rate: log was true, is now false",
        "loss.weights: simplex was [sst, para, sts], is now [sst, para]",
        "loss.weights: min was 0.05, is now 0",
    ]
