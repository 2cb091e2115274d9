"""Read the meaning of a synthetic sentence back from its words."""

import re


def meaning(text: str, *slots: tuple[tuple[str, ...], ...]) -> list[int]:
    """Return the concept in the sentence for every slot."""
    found = []
    for slot in slots:
        (concept,) = [i for i, words in enumerate(slot) if any(re.search(rf"\b{word}\b", text) for word in words)]
        found.append(concept)
    return found
