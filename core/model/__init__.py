"""Implement the network: BERT, pooling, heads, LoRA, freezing, and the model of all tasks.

Put here a new pooling, head or encoder layer. May import ``core.config``, ``core.run`` and ``core.losses``.
"""
