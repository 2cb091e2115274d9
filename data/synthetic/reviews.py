"""Compose film reviews from words of graded sentiment, for the synthetic sst."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.synthetic.lexicon import pick_one

__all__ = ["LABEL_NOISE", "Review", "draw_review"]

LABEL_NOISE = 0.1
"""Share of reviews labelled with a class next to the correct one; the best possible accuracy is 1 minus this."""

_CLASS_SHARES = (0.13, 0.26, 0.19, 0.27, 0.15)  # as in the real training set
_CLASS_EDGES = (-1.1, -0.25, 0.25, 1.1)

_SUBJECTS = (
    "film",
    "movie",
    "plot",
    "story",
    "acting",
    "music",
    "ending",
    "script",
    "singer",
    "doctor",
    "thief",
    "city",
)
_DETERMINERS = ("the", "this", "that")
_OPENINGS = ("", "", "frankly , ", "i think ")
_CLOSINGS = ("", "", " overall", " to me")

_ADJECTIVES: dict[float, tuple[str, ...]] = {
    1.5: ("great", "superb", "wonderful"),
    0.75: ("good", "pleasant", "beautiful"),
    0.0: ("average", "ordinary"),
    -0.75: ("bad", "weak", "boring"),
    -1.5: ("awful", "terrible", "horrible"),
}
_ATTITUDES: dict[float, tuple[str, ...]] = {1.5: ("love",), 0.75: ("like",), -0.75: ("dislike",), -1.5: ("hate",)}
_DEGREES: dict[float, tuple[str, ...]] = {
    1.0: ("",),
    1.6: ("really ", "very "),
}
_ADJECTIVE_ONLY = ("very ",)  # no one 'very loves' a film
_NEGATIONS = ("not ", "not really ")
_NEGATION = -0.5  # 'not good' is weakly bad, 'not really terrible' weakly good


@dataclass(frozen=True)
class Review:
    """A review with its noisy label, and the true label of its words, both 0 to 4."""

    text: str
    label: int
    true_label: int


@dataclass(frozen=True)
class _Clause:
    text: str
    sentiment: float  # -2.4 to 2.4


def draw_review(rng: np.random.Generator) -> Review:
    """Draw a review, with the class shares of the real training set."""
    wanted = int(rng.choice(len(_CLASS_SHARES), p=_CLASS_SHARES))
    review = _compose(rng)
    while _class_of(review.sentiment) != wanted:
        review = _compose(rng)
    label = wanted
    if rng.random() < LABEL_NOISE:
        label += 1 if wanted == 0 or (wanted < 4 and rng.random() < 0.5) else -1
    return Review(pick_one(rng, _OPENINGS) + review.text + pick_one(rng, _CLOSINGS) + " .", label, wanted)


def _compose(rng: np.random.Generator) -> _Clause:
    subject = pick_one(rng, _SUBJECTS)
    first = _clause(rng, subject)
    form = rng.random()
    if form < 0.6:
        return first
    contrasts = form < 0.8
    other = pick_one(rng, [noun for noun in _SUBJECTS if noun != subject])
    second = _clause(rng, other)
    # Clauses joined by 'and' have the same polarity, those joined by 'but' the opposite, as in real reviews.
    while (first.sentiment * second.sentiment < 0) != contrasts:
        first, second = _clause(rng, subject), _clause(rng, other)
    if not contrasts:
        return _Clause(f"{first.text} and {second.text}", (first.sentiment + second.sentiment) / 2)
    sentiment = 0.2 * first.sentiment + 0.8 * second.sentiment  # the main clause decides
    if form < 0.76:
        return _Clause(f"{first.text} , but {second.text}", sentiment)
    return _Clause(f"although {first.text} , {second.text}", sentiment)


def _clause(rng: np.random.Generator, subject: str) -> _Clause:
    noun = f"{pick_one(rng, _DETERMINERS)} {subject}"
    is_attitude = rng.random() < 0.2
    negated = rng.random() < 0.15
    if negated:
        factor, adverb = _NEGATION, pick_one(rng, _NEGATIONS)
    else:
        factor = pick_one(rng, tuple(_DEGREES))
        adverb = pick_one(rng, [word for word in _DEGREES[factor] if not (is_attitude and word in _ADJECTIVE_ONLY)])
    if is_attitude:
        valence = pick_one(rng, tuple(_ATTITUDES))
        text = f"i {'do ' if negated else ''}{adverb}{pick_one(rng, _ATTITUDES[valence])} {noun}"
    else:
        valence = pick_one(rng, tuple(_ADJECTIVES))
        text = f"{noun} is {adverb}{pick_one(rng, _ADJECTIVES[valence])}"
    return _Clause(text, valence * factor)


def _class_of(sentiment: float) -> int:
    return sum(sentiment > edge for edge in _CLASS_EDGES)
