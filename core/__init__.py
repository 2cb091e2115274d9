"""The model and its training: BERT, heads, techniques, one training run."""
