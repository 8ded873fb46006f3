"""Data files that others have published in packages, by which suggested tables are judged."""
