"""Neighbours of many galaxies at once, and of all of them."""
