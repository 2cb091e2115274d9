"""Load what runs read, once per process: encoders, tokenised splits, additional examples, stored models.

May import ``core.model_files``, ``core.model`` and ``data``.
"""
