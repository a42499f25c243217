-- The first tables: surveys and their tiles, releases, galaxies and what the encoder says of them.

CREATE TABLE galcat.survey (
    survey_id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name ~ '^[a-z][a-z0-9_]*$'),
    description text NOT NULL,
    bands text[] NOT NULL,
    definition text NOT NULL
);

CREATE TABLE galcat.tile (
    tile_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    survey_id smallint NOT NULL REFERENCES galcat.survey,
    name text NOT NULL,
    ra double precision,
    dec double precision,
    healpix29 bigint,
    footprint double precision[] NOT NULL,
    files text[] NOT NULL,
    UNIQUE (survey_id, name)
);

CREATE TABLE galcat.release (
    release_id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    weights_sha256 text NOT NULL UNIQUE CHECK (weights_sha256 ~ '^[0-9a-f]{64}$'),
    backbone text NOT NULL,
    recipe jsonb NOT NULL,
    view_set smallint NOT NULL CHECK (view_set IN (1, 8)),
    dimension integer NOT NULL CHECK (dimension > 0),
    projection_mean real[] NOT NULL,
    projection_components real[] NOT NULL,
    projection_deviations real[] NOT NULL,
    projection_scale real NOT NULL CHECK (projection_scale > 0),
    is_current boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CHECK (pg_catalog.array_length(projection_mean, 1) = dimension),
    CHECK (pg_catalog.array_length(projection_components, 1) = 40 * dimension),
    CHECK (pg_catalog.array_length(projection_deviations, 1) = 40)
);
CREATE UNIQUE INDEX release_one_current ON galcat.release (is_current) WHERE is_current;

-- One row a tile and release, so that a second release is filled while the first still serves.
CREATE TABLE galcat.ingestion (
    tile_id bigint NOT NULL REFERENCES galcat.tile,
    release_id smallint NOT NULL REFERENCES galcat.release,
    state text NOT NULL CHECK (state IN ('done', 'failed')),
    fingerprint text NOT NULL,
    content_hash text,
    n_sources integer NOT NULL DEFAULT 0,
    n_galaxies integer NOT NULL DEFAULT 0,
    n_skipped integer NOT NULL DEFAULT 0,
    n_failed integer NOT NULL DEFAULT 0,
    error text,
    attempts integer NOT NULL DEFAULT 1,
    finished_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (tile_id, release_id),
    CHECK ((state = 'failed') = (error IS NOT NULL)),
    CHECK (state = 'failed' OR n_galaxies + n_skipped + n_failed = n_sources)
);

CREATE TABLE galcat.skipped_row (
    tile_id bigint NOT NULL,
    release_id smallint NOT NULL,
    file_row integer NOT NULL,
    survey_source_id text NOT NULL,
    reason text NOT NULL CHECK (reason IN ('edge', 'bad_pixels', 'nan', 'unreadable_image')),
    detail text NOT NULL,
    will_retry boolean NOT NULL,
    PRIMARY KEY (tile_id, release_id, file_row),
    FOREIGN KEY (tile_id, release_id) REFERENCES galcat.ingestion ON DELETE CASCADE
);

CREATE TABLE galcat.source (
    object_id bigint PRIMARY KEY,
    survey_id smallint NOT NULL REFERENCES galcat.survey,
    survey_source_id text NOT NULL,
    tile_id bigint NOT NULL REFERENCES galcat.tile,
    ra double precision NOT NULL CHECK (ra >= 0 AND ra < 360),
    dec double precision NOT NULL CHECK (dec >= -90 AND dec <= 90),
    healpix29 bigint NOT NULL,
    petro_th50 real,
    petro_th90 real,
    shape_r real,
    pixel_scale_arcsec real,
    mag_g real,
    mag_r real,
    mag_i real,
    mag_z real,
    is_retired boolean NOT NULL DEFAULT false,
    UNIQUE (survey_id, survey_source_id)
);
CREATE INDEX source_sky ON galcat.source USING gist (pg_catalog.point(ra, dec));
CREATE INDEX source_healpix29 ON galcat.source (healpix29);
CREATE INDEX source_tile ON galcat.source (tile_id);

CREATE TABLE galcat.embedding (
    object_id bigint NOT NULL,
    release_id smallint NOT NULL,
    search public.halfvec(40) NOT NULL,
    PRIMARY KEY (object_id, release_id)
) PARTITION BY LIST (release_id);

-- No width here: releases differ; each partition checks its own.
CREATE TABLE galcat.embedding_full (
    object_id bigint NOT NULL,
    release_id smallint NOT NULL,
    vector public.halfvec NOT NULL,
    PRIMARY KEY (object_id, release_id)
) PARTITION BY LIST (release_id);

CREATE TABLE galcat.morphology (
    object_id bigint NOT NULL,
    release_id smallint NOT NULL,
    smooth_or_featured_smooth_fraction real NOT NULL,
    smooth_or_featured_featured_or_disk_fraction real NOT NULL,
    smooth_or_featured_artifact_fraction real NOT NULL,
    disk_edge_on_yes_fraction real NOT NULL,
    disk_edge_on_no_fraction real NOT NULL,
    has_spiral_arms_yes_fraction real NOT NULL,
    has_spiral_arms_no_fraction real NOT NULL,
    bar_strong_fraction real NOT NULL,
    bar_weak_fraction real NOT NULL,
    bar_no_fraction real NOT NULL,
    bulge_size_dominant_fraction real NOT NULL,
    bulge_size_large_fraction real NOT NULL,
    bulge_size_moderate_fraction real NOT NULL,
    bulge_size_small_fraction real NOT NULL,
    bulge_size_none_fraction real NOT NULL,
    how_rounded_round_fraction real NOT NULL,
    how_rounded_in_between_fraction real NOT NULL,
    how_rounded_cigar_shaped_fraction real NOT NULL,
    edge_on_bulge_boxy_fraction real NOT NULL,
    edge_on_bulge_none_fraction real NOT NULL,
    edge_on_bulge_rounded_fraction real NOT NULL,
    spiral_winding_tight_fraction real NOT NULL,
    spiral_winding_medium_fraction real NOT NULL,
    spiral_winding_loose_fraction real NOT NULL,
    spiral_arm_count_1_fraction real NOT NULL,
    spiral_arm_count_2_fraction real NOT NULL,
    spiral_arm_count_3_fraction real NOT NULL,
    spiral_arm_count_4_fraction real NOT NULL,
    spiral_arm_count_more_than_4_fraction real NOT NULL,
    spiral_arm_count_cant_tell_fraction real NOT NULL,
    merging_none_fraction real NOT NULL,
    merging_minor_disturbance_fraction real NOT NULL,
    merging_major_disturbance_fraction real NOT NULL,
    merging_merger_fraction real NOT NULL,
    smooth_or_featured_concentration real NOT NULL,
    disk_edge_on_concentration real NOT NULL,
    has_spiral_arms_concentration real NOT NULL,
    bar_concentration real NOT NULL,
    bulge_size_concentration real NOT NULL,
    how_rounded_concentration real NOT NULL,
    edge_on_bulge_concentration real NOT NULL,
    spiral_winding_concentration real NOT NULL,
    spiral_arm_count_concentration real NOT NULL,
    merging_concentration real NOT NULL,
    PRIMARY KEY (object_id, release_id)
) PARTITION BY LIST (release_id);

CREATE TABLE galcat.thumbnail (
    object_id bigint PRIMARY KEY,
    jpeg bytea NOT NULL
);
ALTER TABLE galcat.thumbnail ALTER COLUMN jpeg SET STORAGE EXTERNAL; -- a JPEG does not compress again
