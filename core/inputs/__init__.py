"""Load what runs read, once per process: encoders, tokenised splits, further examples, stored models.

May import ``core.model_files``, ``core.model`` and ``data``.
"""
