"""Datasets: one module a table, each a cqlengine model plus a Faker recipe for every column, and their rows.

A dataset's module defines `DATASET`; nothing else in the project knows its table.
"""
