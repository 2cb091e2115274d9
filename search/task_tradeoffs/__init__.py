"""Whether a study's tasks compete: for the report."""
