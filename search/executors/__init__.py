"""Where trials run: one Protocol, and the machines behind it."""
