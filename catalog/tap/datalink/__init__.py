"""What belongs to one galaxy: links, picture, cutout."""
