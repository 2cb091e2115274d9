"""Switches: what each kind changes so that a technique or a setting is off."""

from __future__ import annotations

from search.ablate.switch import choice, expanded, setting, technique
from tests.search.ablate.configurations import made

CLIPPED = made({"optim.clip_norm": 1.0, "optim.warmup": 0.0}, ("sst", "sts"))


def test_a_technique_is_off_if_its_settings_have_the_plain_values() -> None:
    switch = technique("clipping and warm-up", {"optim.clip_norm": None, "optim.warmup": 0.0}, ("optim.beta2",))
    assert switch.off(CLIPPED, CLIPPED) == {"optim.clip_norm": None}
    assert switch.off(made({"optim.clip_norm": None, "optim.warmup": 0.0}), CLIPPED) == {}
    assert (switch.triggers, switch.own) == (("optim.clip_norm", "optim.warmup"), ("optim.beta2",))


def test_a_star_stands_for_each_task() -> None:
    assert expanded(("heads.*.pooling", "seed"), CLIPPED) == ["heads.sst.pooling", "heads.sts.pooling", "seed"]
    mixed = made({"heads.sst.pooling": "mean", "heads.sts.pooling": "cls"}, ("sst", "sts"))
    assert choice("pooling", {"heads.*.pooling": "cls"}).off(mixed, CLIPPED) == {"heads.sst.pooling": "cls"}


def test_a_setting_goes_back_to_the_value_of_the_default_configuration() -> None:
    default = made({"optim.learning_rate": 2e-5}, ("sst", "sts"))
    switch = setting("learning rate", "optim.learning_rate", "optim.warmup")
    run = made({"optim.learning_rate": 1e-4}, ("sst", "sts"))
    assert switch.off(run, default) == {"optim.learning_rate": 2e-5}
    assert switch.off(default, default) == {}


def test_a_row_is_named_by_the_kind_of_its_switch() -> None:
    named = technique("LoRA", {}), choice("pooling", {}), setting("learning rate")
    assert [switch.row for switch in named] == ["without LoRA", "plain pooling", "default learning rate"]
