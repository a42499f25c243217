"""What came into the catalogue since a moment: gathered, as text, and as a page with pictures."""
