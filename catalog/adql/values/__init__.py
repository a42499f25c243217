"""Expressions and conditions: what gives a value of a row."""
