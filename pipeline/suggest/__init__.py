"""A table for a stranger's files: what they are, which types their columns have, which options read them."""
