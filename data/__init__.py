"""Tasks and examples: read, check, tokenise, batch."""
