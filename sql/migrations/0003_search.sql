-- Where the galaxies are, coarsely: what a search expects of a cone before it looks.

CREATE TABLE galcat.sky_count (
    cell_order smallint NOT NULL CHECK (cell_order IN (2, 4, 6)),
    cell bigint NOT NULL,
    galaxies bigint NOT NULL CHECK (galaxies > 0),
    ra double precision NOT NULL,
    dec double precision NOT NULL,
    spread_deg double precision NOT NULL,
    PRIMARY KEY (cell_order, cell)
);
CREATE INDEX sky_count_sky ON galcat.sky_count USING gist (pg_catalog.point(ra, dec));

-- Bright galaxies are rare, and asked for.
CREATE INDEX source_mag_r ON galcat.source (mag_r);
