"""Pages to read: what the catalogue is, what its columns mean, and how its tiles are."""
