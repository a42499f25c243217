-- How much the vector index was found to find, each time that it was measured.

CREATE TABLE galcat.recall (
    release_id smallint NOT NULL REFERENCES galcat.release ON DELETE CASCADE,
    measured_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    occasion text NOT NULL CHECK (occasion IN ('ingest', 'retract', 'night', 'check')),
    recall real NOT NULL CHECK (recall BETWEEN 0 AND 1),
    nearest smallint NOT NULL CHECK (nearest > 0), -- galaxies that each question asks for
    queries integer NOT NULL CHECK (queries > 0),
    vectors bigint NOT NULL CHECK (vectors > 0),
    vacuumed_at timestamptz, -- NULL before the first VACUUM of the vectors
    PRIMARY KEY (release_id, measured_at)
);
