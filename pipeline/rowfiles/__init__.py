"""Row files: CSV and Parquet, read in splits, written atomically; and their bad rows."""
