"""A FITS file: its headers, and its binary tables."""
