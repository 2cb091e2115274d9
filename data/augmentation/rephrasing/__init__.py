"""Ask a language model for further training examples, cache its answers and read them back.

May import ``data.augmentation`` and the readers of ``data``.
"""
