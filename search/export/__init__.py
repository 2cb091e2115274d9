"""``search.export``: write the winner's predictions and its model."""
