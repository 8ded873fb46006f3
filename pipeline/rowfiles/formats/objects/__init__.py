"""What the formats whose rows are JSON objects have in common."""
