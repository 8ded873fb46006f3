"""A package, so that the tests' own dataset can be imported by a worker."""
