"""A Postgres of the catalogue's own, for one user."""
