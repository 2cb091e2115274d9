"""``search.augment``: ask a language model for the rephrasings that a study trains on."""
