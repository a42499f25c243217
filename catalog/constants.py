"""What the database fixes, written in Python once, and what its users share.

Tests compare what the database fixes with the tables and their comments.
"""

from typing import LiteralString

SEARCH_DIMENSION = 40
"""Numbers in a search vector."""
SEARCH_TYPE: LiteralString = "public.halfvec(40)"
"""The type of a search vector in the database, for SQL that is a text."""
NEAR_ARCSEC = 3.0
"""How near a galaxy must be to a position, or to where a retired one was, to be taken for what lies there."""
SAME_PLACE_ARCSEC = 3.0
"""How near to each other records of different tiles or surveys must be to be records of one galaxy."""
BANDS = ("g", "r", "i", "z")
"""Bands in which a galaxy can have a magnitude."""
FIELD_PX = 424
"""Width of a Galaxy Zoo cutout, in pixels of the galaxy's own `pixel_scale_arcsec`."""

MIN_RECALL = 0.98
"""Share of the 20 nearest galaxies below which the vector index is to be built anew."""
