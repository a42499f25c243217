"""Tiles to rows: which tiles are new, what is read of them, how they are written."""
