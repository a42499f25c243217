"""Galaxies by likeness, by name, by position and by list."""
