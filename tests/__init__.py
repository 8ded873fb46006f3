"""A package, so that a worker process can import the tests' own dataset."""
