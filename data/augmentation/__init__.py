"""Further training examples: labelled phrases, files of the user's, and changed copies of the training sentences.

Every source makes :class:`~data.augmentation.extra.Extra` examples from the training split alone;
:func:`~data.augmentation.extra.without_known` then drops what stands in train, dev or test.
"""
