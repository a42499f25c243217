-- A catalogue with migrations/0003_sky_count.sql of 25 November 2026 becomes one with 0003_search.sql.

CREATE INDEX source_mag_r ON galcat.source (mag_r);
