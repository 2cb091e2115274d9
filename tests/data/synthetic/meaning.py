"""Read the meaning of a synthetic sentence back from its words."""

import re


def meaning(text: str, *slots: tuple[tuple[str, ...], ...]) -> list[int]:
    """Which concept of every slot stands in the sentence."""
    found = []
    for slot in slots:
        (concept,) = [i for i, words in enumerate(slot) if any(re.search(rf"\b{word}\b", text) for word in words)]
        found.append(concept)
    return found
