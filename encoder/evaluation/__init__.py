"""What an encoder is worth on galaxies that it has not seen."""
