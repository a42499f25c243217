"""Writes FITS binary tables."""
