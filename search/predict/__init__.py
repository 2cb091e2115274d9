"""``search.predict``: predict for new text with an exported model; :func:`search.load_model` for programs.

May import ``console`` and what is below it, but no Optuna: a service that predicts does not need it.
"""
