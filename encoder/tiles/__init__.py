"""Survey files to a list of galaxies and their pixels."""
