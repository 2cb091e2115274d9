"""Find, read and write models on disk: checkpoints in Hugging Face layout and exported model folders.

May import ``core.model`` and what it may import.
"""
