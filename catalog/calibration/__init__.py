"""Volunteers' votes on a survey's galaxies, and the calibrations that were learnt from them."""
