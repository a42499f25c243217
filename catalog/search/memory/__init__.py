"""Galaxies held in memory, which say where to look: Postgres decides what is found."""
