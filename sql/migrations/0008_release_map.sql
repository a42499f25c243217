-- The map of a release: where every galaxy stands in two dimensions, as one row of binary numbers.

CREATE TABLE galcat.release_map (
    release_id smallint PRIMARY KEY REFERENCES galcat.release ON DELETE CASCADE,
    object_ids bytea NOT NULL,
    places bytea NOT NULL,
    made_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    CHECK (octet_length(object_ids) % 8 = 0 AND octet_length(places) = octet_length(object_ids))
);
