"""Measuring: the article's table, contenders, their report."""
