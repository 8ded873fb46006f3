"""Row files: CSV and Parquet, read in chunks, written atomically; and their bad rows."""
