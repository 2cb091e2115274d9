"""Training code that cannot be imported."""

raise ImportError("there is no such library")
