"""Parquet row files, read and written by Arrow."""
