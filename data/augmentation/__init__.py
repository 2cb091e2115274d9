"""Make additional training examples: labelled phrases, the user's own files, and changed copies of training sentences.

Every source makes :class:`~data.augmentation.additional_examples.AdditionalExamples` from the training split alone.
:func:`~data.augmentation.additional_examples.without_known` then drops those that are already in train, dev or test.

May import the readers of ``data``; knows neither tokens nor batches.
"""
