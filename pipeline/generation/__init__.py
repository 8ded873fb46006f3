"""Fake rows, generated to row files."""
