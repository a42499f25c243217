"""What belongs to a galaxy or a place: cone search, links, pictures, cutouts."""
