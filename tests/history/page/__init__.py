"""The page of a history in a real browser: `make test-page`."""
