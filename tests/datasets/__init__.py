"""A dataset of the tests: a table that the project does not know, declared as a user declares one."""
