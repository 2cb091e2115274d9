"""What trained runs get wrong on dev, and how: for the report."""
