"""What the database fixes, written in Python once; tests compare it with the tables and their comments."""

SEARCH_DIMENSION = 40
"""Numbers in a search vector."""
BANDS = ("g", "r", "i", "z")
"""Bands in which a galaxy can have a magnitude."""
FIELD_PX = 424
"""Width of a Galaxy Zoo cutout, in pixels of the galaxy's own `pixel_scale_arcsec`."""
