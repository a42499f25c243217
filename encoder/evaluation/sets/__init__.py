"""The sets of galaxies that an encoder is judged by."""
