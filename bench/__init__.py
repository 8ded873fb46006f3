"""Comparisons of this loader with others, in turn, on one server, with the same files."""
