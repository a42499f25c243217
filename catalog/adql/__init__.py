"""ADQL 2.1 in, Postgres' SQL out: nothing passes that is not on the lists here."""
