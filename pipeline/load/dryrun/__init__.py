"""Dry runs: everything of a load but the sending."""
