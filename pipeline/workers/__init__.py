"""Jobs as values, the processes that carry them out, and how the two talk."""
