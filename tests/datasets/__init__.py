"""Datasets of the tests: a table that the project does not know, brought as its users bring theirs."""
