"""A load: from chunks of row files to acknowledged rows, nothing lost on the way."""
