"""The releases of encoders: their weights, how one is filled, and the map of its galaxies."""
