"""Pixels of a tile to pictures of its galaxies."""
