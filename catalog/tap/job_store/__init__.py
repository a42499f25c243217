"""Jobs as the database and the disk keep them."""
