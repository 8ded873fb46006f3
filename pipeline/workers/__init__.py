"""Jobs as values, the processes that carry them out, and the protocol between processes."""
