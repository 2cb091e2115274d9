"""Read, check, tokenise and batch tasks and examples. May import neither ``core`` nor ``search``."""
