"""Read, check, tokenise and batch tasks and examples. Imports neither ``core`` nor ``search``."""
