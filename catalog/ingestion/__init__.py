"""Encoded tiles to rows, a transaction a tile."""
