"""``search.dashboard``: serve optuna-dashboard for this machine only."""
