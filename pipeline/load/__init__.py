"""A load: from splits of row files to acknowledged rows, nothing lost on the way."""
