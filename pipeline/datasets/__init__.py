"""Datasets: the table and the fake rows of each. One module a table.

A module defines `DATASET`: a cqlengine model and a Faker recipe for every column. Nothing else in the project
names its table.
"""
