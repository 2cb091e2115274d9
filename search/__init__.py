"""Studies in, trials out: the only floor that knows Optuna."""
