"""Average the weights of trials into one model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from torch import Tensor

from core.config import RunConfig
from core.ensembles import Ingredient, check_common_start, greedy_soup, uniform_soup
from core.inputs.best_model import best_encoder, load_best_model
from core.inputs.resources import Resources, pick_device
from core.model.lora import merged_state_dict
from core.model.multitask import build_encoder, build_plain_model, encoder_names
from core.model_files.encoder_content import EncoderContent
from core.model_files.model_folder import TrainedModel
from core.scoring import DevScores, predict
from data.examples import Examples
from data.reading import RawSplit
from data.tasks import SplitName, TaskSpec
from search.ensemble.member_check import check_member
from search.ensemble.members import Member
from search.ensemble.result import Ensemble, Output
from search.trials.prediction_files import check_complete, predicted_splits

__all__ = ["average_weights"]


def average_weights(
    members: Sequence[Member], greedy: bool, dev: Mapping[str, RawSplit], resources: Resources
) -> Ensemble:
    """Make the soup and its predictions for dev and test.

    Args:
        members: all have their models.
        greedy: leave out members with which the soup's overall score on dev falls.

    Raises:
        UserError: if the members' weights cannot be averaged.
    """
    check_common_start({_name(member): _by_content(member, members) for member in members})
    by_score = sorted(members, key=lambda member: (-member.overall, member.number))
    config = by_score[0].config
    device = pick_device(config.compute.device)
    shape, tokenizer = best_encoder(by_score[0].folder, config, resources)
    # Plain: LoRA's updates are merged into the ingredients.
    encoders = {name: build_encoder(config, shape, None) for name in encoder_names(config)}
    model = build_plain_model(config, encoders).to(device).eval()
    trained = TrainedModel(model, config, tokenizer)
    scored = {task: resources.scored_dev(config, task, tokenizer) for task in config.tasks}

    def predicted(examples: Examples) -> np.ndarray:
        return predict(model, config, examples, trained.layout, device)

    def dev_scores(weights: dict[str, Tensor]) -> DevScores:
        model.load_state_dict(weights)
        gold = {task: np.asarray(examples.labels) for task, examples in dev.items()}
        return DevScores(config, {task: predicted(examples) for task, examples in scored.items()}, gold)

    splits: list[tuple[TaskSpec, SplitName, Examples]] = [
        (task.spec, split, resources.examples(config, task.spec, split, tokenizer))
        for task in config.tasks.values()
        for split in predicted_splits(task.spec)
    ]
    for spec, split, examples in splits:
        check_complete(spec, split, examples.skipped)
    ingredients = _ingredients(by_score, resources)
    soup = greedy_soup(ingredients, lambda w: dev_scores(w).overall) if greedy else uniform_soup(ingredients)
    scores = dev_scores(soup.weights)
    outputs = [
        Output(spec, split, examples.ids, examples.labels, predicted(examples)) for spec, split, examples in splits
    ]
    whole_dev = {spec.name: examples for spec, split, examples in splits if split == "dev"}
    used = [member for member in members if _name(member) in soup.names]
    shares = {task: {member.number: 1 / len(used) for member in used} for task in config.tasks}
    return Ensemble("greedy soup" if greedy else "uniform soup", used, shares, scores, outputs, trained, whole_dev)


def _by_content(member: Member, members: Sequence[Member]) -> RunConfig:
    """Return a member's configuration; its encoder has the name that the first member with the same content gives it.

    An encoder whose content has changed under one name has another name for each content.
    """
    content = member.folder.read_encoder()
    if content is None:
        return member.config
    own = EncoderContent.from_json(content)
    others = [(other.config.model.encoder, other.folder.read_encoder()) for other in members]
    known = [(name, EncoderContent.from_json(stored)) for name, stored in others if stored is not None]
    name = next(name for name, stored in known if not stored.changes(own))
    if any(other == name and stored.changes(own) for other, stored in known):
        name = f"{name} ({own.weights})"
    return member.config.model_copy(update={"model": member.config.model.model_copy(update={"encoder": name})})


def _name(member: Member) -> str:
    return f"trial {member.number}"


def _ingredients(members: Sequence[Member], resources: Resources) -> Iterator[Ingredient]:
    for member in members:
        trained = load_best_model(member.folder, member.config, resources)
        check_member(member, trained, resources, member.config.tasks)
        weights = merged_state_dict(trained.model)
        yield Ingredient(_name(member), {name: weight.cpu() for name, weight in weights.items()})
