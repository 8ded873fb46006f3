"""JSON Lines: an object a line."""
