"""Jobs as values, the worker processes that run them, and the protocol between the two."""
