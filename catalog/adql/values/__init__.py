"""Expressions, which give a value of a row, and conditions, which are true or false of it."""
