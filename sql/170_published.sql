-- What is published beside galcat.galaxy, as galcat.<name> in ADQL. No names of people, no paths of a machine.
-- The release is a sub-select, which prunes partitions at run time; so is what few ask for: it costs no join.

CREATE OR REPLACE VIEW galcat_tap.embedding AS
SELECT
    e.object_id,
    (SELECT c.name FROM galcat.current_release AS c) AS release,
    e.search::real[] AS search,
    (SELECT f.vector::real[] FROM galcat.embedding_full AS f
     WHERE f.object_id = e.object_id
        AND f.release_id = (SELECT c.release_id FROM galcat.current_release AS c)) AS vector
FROM galcat.embedding AS e
JOIN galcat.source AS s ON s.object_id = e.object_id
WHERE e.release_id = (SELECT c.release_id FROM galcat.current_release AS c)
    AND NOT s.is_retired;

CREATE OR REPLACE VIEW galcat_tap.survey AS
SELECT v.name, v.description, array_to_string(v.bands, ' ') AS bands
FROM galcat.survey AS v;

CREATE OR REPLACE VIEW galcat_tap.tile AS
SELECT
    v.name AS survey, t.name, t.ra, t.dec, t.healpix29, nullif(t.footprint, '{}') AS s_region,
    i.n_sources, i.n_galaxies, i.n_skipped, i.n_failed, i.state, i.finished_at AT TIME ZONE 'UTC' AS finished_at
FROM galcat.tile AS t
JOIN galcat.survey AS v ON v.survey_id = t.survey_id
LEFT JOIN galcat.ingestion AS i ON i.tile_id = t.tile_id
    AND i.release_id = (SELECT c.release_id FROM galcat.current_release AS c);

-- Without its detail: that of an unreadable image holds the path of the file.
CREATE OR REPLACE VIEW galcat_tap.skipped_row AS
SELECT v.name AS survey, t.name AS tile, k.survey_source_id, k.reason
FROM galcat.skipped_row AS k
JOIN galcat.tile AS t ON t.tile_id = k.tile_id
JOIN galcat.survey AS v ON v.survey_id = t.survey_id
WHERE k.release_id = (SELECT c.release_id FROM galcat.current_release AS c);

CREATE OR REPLACE VIEW galcat_tap.release AS
SELECT r.name, r.backbone, r.view_set, r.dimension, r.weights_sha256, r.is_current,
    r.created_at AT TIME ZONE 'UTC' AS created_at
FROM galcat.release AS r;

CREATE OR REPLACE VIEW galcat_tap.task AS
SELECT
    t.name, t.question, t.kind, array_to_string(t.classes, ' ') AS classes,
    n.version, n.method, n.labels_seen AS labels, n.made_at AT TIME ZONE 'UTC' AS made_at,
    -- As task_columns() names them, which strangers may not call.
    CASE WHEN t.has_column THEN (
        SELECT string_agg(c.stem || CASE t.kind WHEN 'interest' THEN '_interest ' ELSE '_probability ' END
            || c.stem || '_uncertainty', ' ' ORDER BY c.i)
        FROM unnest(CASE t.kind WHEN 'classes' THEN t.classes ELSE ARRAY[NULL] END) WITH ORDINALITY AS a (class, i)
        CROSS JOIN LATERAL (SELECT a.i, concat_ws('_', t.name, a.class) AS stem) AS c) END AS column_names
FROM galcat.task AS t
LEFT JOIN galcat.task_version AS n ON n.task = t.name AND n.is_current
    AND n.release_id = (SELECT c.release_id FROM galcat.current_release AS c);

CREATE OR REPLACE VIEW galcat_tap.label AS
SELECT l.task, l.object_id, l.answer, count(*) AS votes, avg(l.rating)::real AS rating
FROM galcat.current_label AS l
JOIN galcat.source AS s ON s.object_id = l.object_id
WHERE NOT s.is_retired
GROUP BY l.task, l.object_id, l.answer;

ALTER VIEW galcat_tap.embedding OWNER TO galcat_owner;
ALTER VIEW galcat_tap.survey OWNER TO galcat_owner;
ALTER VIEW galcat_tap.tile OWNER TO galcat_owner;
ALTER VIEW galcat_tap.skipped_row OWNER TO galcat_owner;
ALTER VIEW galcat_tap.release OWNER TO galcat_owner;
ALTER VIEW galcat_tap.task OWNER TO galcat_owner;
ALTER VIEW galcat_tap.label OWNER TO galcat_owner;

COMMENT ON VIEW galcat_tap.embedding IS 'What the encoder of the current release made of each galaxy, as numbers';
COMMENT ON COLUMN galcat_tap.embedding.object_id IS 'Identity of the galaxy, made from its survey and the survey''s own id [-]';
COMMENT ON COLUMN galcat_tap.embedding.release IS 'Name of the encoder release [-]';
COMMENT ON COLUMN galcat_tap.embedding.search IS 'Representation in 40 dimensions; two random galaxies are about 1 apart (Euclidean) [1]';
COMMENT ON COLUMN galcat_tap.embedding.vector IS 'Representation at the encoder''s full width [1]';

COMMENT ON VIEW galcat_tap.survey IS 'A survey that galaxies come from';
COMMENT ON COLUMN galcat_tap.survey.name IS 'Name of the survey [-]';
COMMENT ON COLUMN galcat_tap.survey.description IS 'What it is, in a sentence [-]';
COMMENT ON COLUMN galcat_tap.survey.bands IS 'Photometric bands, with spaces between [-]';

COMMENT ON VIEW galcat_tap.tile IS 'A tile of a survey, or a chunk of a table of cutouts, and what became of it in the current release';
COMMENT ON COLUMN galcat_tap.tile.survey IS 'Name of the survey [-]';
COMMENT ON COLUMN galcat_tap.tile.name IS 'Name of the tile, unique in its survey [-]';
COMMENT ON COLUMN galcat_tap.tile.ra IS 'Right ascension of the centre, ICRS [deg]';
COMMENT ON COLUMN galcat_tap.tile.dec IS 'Declination of the centre, ICRS [deg]';
COMMENT ON COLUMN galcat_tap.tile.healpix29 IS 'HEALPix index of the centre, order 29, nested [-]';
COMMENT ON COLUMN galcat_tap.tile.s_region IS 'Corners as ra, dec, ra, dec, ..., ICRS; NULL for a chunk of cutouts [deg]';
COMMENT ON COLUMN galcat_tap.tile.n_sources IS 'Sources selected in the tile [-]';
COMMENT ON COLUMN galcat_tap.tile.n_galaxies IS 'Sources that got a vector [-]';
COMMENT ON COLUMN galcat_tap.tile.n_skipped IS 'Sources skipped for their pixels [-]';
COMMENT ON COLUMN galcat_tap.tile.n_failed IS 'Sources whose image could not be read [-]';
COMMENT ON COLUMN galcat_tap.tile.state IS 'done or failed; NULL where the current release has not come to it [-]';
COMMENT ON COLUMN galcat_tap.tile.finished_at IS 'When the last attempt ended, UTC [-]';

COMMENT ON VIEW galcat_tap.skipped_row IS 'A source that got no vector in the current release, and why';
COMMENT ON COLUMN galcat_tap.skipped_row.survey IS 'Name of the survey [-]';
COMMENT ON COLUMN galcat_tap.skipped_row.tile IS 'Name of the tile [-]';
COMMENT ON COLUMN galcat_tap.skipped_row.survey_source_id IS 'The survey''s own id of the source [-]';
COMMENT ON COLUMN galcat_tap.skipped_row.reason IS 'edge, bad_pixels, nan or unreadable_image [-]';

COMMENT ON VIEW galcat_tap.release IS 'An encoder release: the network that pictures were turned into numbers by';
COMMENT ON COLUMN galcat_tap.release.name IS 'Name of the release [-]';
COMMENT ON COLUMN galcat_tap.release.backbone IS 'Network architecture, by its timm name [-]';
COMMENT ON COLUMN galcat_tap.release.view_set IS 'Views averaged for one vector: 1, or the 8 symmetries of the square [-]';
COMMENT ON COLUMN galcat_tap.release.dimension IS 'Width of the full representation [-]';
COMMENT ON COLUMN galcat_tap.release.weights_sha256 IS 'SHA-256 of the encoder''s weights file [-]';
COMMENT ON COLUMN galcat_tap.release.is_current IS 'True for the one release that is published [-]';
COMMENT ON COLUMN galcat_tap.release.created_at IS 'When it was registered, UTC [-]';

COMMENT ON VIEW galcat_tap.task IS 'A question that people answer of galaxies, and the model that learnt from them for the current release';
COMMENT ON COLUMN galcat_tap.task.name IS 'Name of the task [-]';
COMMENT ON COLUMN galcat_tap.task.question IS 'What is asked of a galaxy [-]';
COMMENT ON COLUMN galcat_tap.task.kind IS 'binary, classes or interest [-]';
COMMENT ON COLUMN galcat_tap.task.classes IS 'The answers there are, with spaces between; none for an interest of 0 to 5 [-]';
COMMENT ON COLUMN galcat_tap.task.version IS 'Number of the model among those of its task and release, from 1; NULL where none is shown [-]';
COMMENT ON COLUMN galcat_tap.task.method IS 'head (linear, on stored vectors), deep (the network itself) or interest (Gaussian process) [-]';
COMMENT ON COLUMN galcat_tap.task.labels IS 'Labels that the task had when the model was learnt [-]';
COMMENT ON COLUMN galcat_tap.task.made_at IS 'When the model was made, UTC [-]';
COMMENT ON COLUMN galcat_tap.task.column_names IS 'Its columns in galcat.galaxy, with spaces between; NULL where it has none [-]';

COMMENT ON VIEW galcat_tap.label IS 'How many people give each answer to a task of a galaxy today';
COMMENT ON COLUMN galcat_tap.label.task IS 'Name of the task [-]';
COMMENT ON COLUMN galcat_tap.label.object_id IS 'Identity of the galaxy, made from its survey and the survey''s own id [-]';
COMMENT ON COLUMN galcat_tap.label.answer IS 'One of the task''s classes; NULL where an interest is asked for [-]';
COMMENT ON COLUMN galcat_tap.label.votes IS 'People whose answer it is today [-]';
COMMENT ON COLUMN galcat_tap.label.rating IS 'Mean interest, 0 to 5; NULL where a class is asked for [-]';

-- A condition on a fraction is fast where it asks for more than half (build_cut_indexes).
DELETE FROM galcat_tap.column_note WHERE table_name LIKE 'galcat.%';
INSERT INTO galcat_tap.column_note (table_name, column_name, ucd, is_indexed, is_principal)
SELECT 'galcat.galaxy', a.attname,
    CASE WHEN a.attname LIKE '%\_fraction' THEN 'src.morph.param;stat.mean'
        WHEN a.attname LIKE '%\_concentration' THEN 'stat.param;src.morph'
        ELSE 'stat.weight;src.morph' END,
    a.attname LIKE '%\_fraction',
    a.attname IN ('smooth_or_featured_smooth_fraction', 'smooth_or_featured_featured_or_disk_fraction',
        'disk_edge_on_yes_fraction', 'has_spiral_arms_yes_fraction', 'merging_merger_fraction')
FROM pg_attribute AS a
WHERE a.attrelid = 'galcat.galaxy'::regclass AND a.attnum > 0 AND NOT a.attisdropped
    AND a.attnum < (SELECT s.attnum FROM pg_attribute AS s WHERE s.attrelid = a.attrelid AND s.attname = 'search')
    AND (a.attname LIKE '%\_fraction' OR a.attname LIKE '%\_concentration' OR a.attname LIKE '%\_proportion\_asked');
INSERT INTO galcat_tap.column_note (table_name, column_name, ucd, is_indexed, is_principal)
VALUES
    ('galcat.galaxy', 'object_id', 'meta.id;meta.main', true, true),
    ('galcat.galaxy', 'survey', 'meta.id;meta.dataset', false, true),
    ('galcat.galaxy', 'survey_source_id', 'meta.id;src', false, false),
    ('galcat.galaxy', 'tile', 'meta.id;obs.field', false, false),
    ('galcat.galaxy', 'ra', 'pos.eq.ra;meta.main', true, true),
    ('galcat.galaxy', 'dec', 'pos.eq.dec;meta.main', true, true),
    ('galcat.galaxy', 'healpix29', 'pos.healpix', true, false),
    ('galcat.galaxy', 'petro_th50', 'phys.angSize;src', false, true),
    ('galcat.galaxy', 'petro_th90', 'phys.angSize;src', false, false),
    ('galcat.galaxy', 'shape_r', 'phys.angSize;src', false, true),
    ('galcat.galaxy', 'pixel_scale_arcsec', 'instr.scale;instr.pixel', false, false),
    ('galcat.galaxy', 'mag_g', 'phot.mag;em.opt.B', false, false),
    ('galcat.galaxy', 'mag_r', 'phot.mag;em.opt.R', true, true),
    ('galcat.galaxy', 'mag_i', 'phot.mag;em.opt.I', false, false),
    ('galcat.galaxy', 'mag_z', 'phot.mag;em.opt.I', false, false),
    ('galcat.galaxy', 'anomaly_score', 'stat.rank', false, true),
    ('galcat.galaxy', 'framing_flag', 'meta.code.qual', false, true),
    ('galcat.galaxy', 'domain_distance', 'stat.param;src.morph', false, true),
    ('galcat.galaxy', 'is_calibrated', 'meta.code', false, false),
    ('galcat.embedding', 'object_id', 'meta.id;meta.main', true, true),
    ('galcat.embedding', 'release', 'meta.version', false, true),
    ('galcat.embedding', 'search', 'src.morph.param', false, true),
    ('galcat.embedding', 'vector', 'src.morph.param', false, false),
    ('galcat.survey', 'name', 'meta.id;meta.main', true, true),
    ('galcat.survey', 'description', 'meta.note', false, true),
    ('galcat.survey', 'bands', 'instr.bandpass', false, true),
    ('galcat.tile', 'survey', 'meta.id;meta.dataset', false, true),
    ('galcat.tile', 'name', 'meta.id;meta.main', false, true),
    ('galcat.tile', 'ra', 'pos.eq.ra;meta.main', false, true),
    ('galcat.tile', 'dec', 'pos.eq.dec;meta.main', false, true),
    ('galcat.tile', 'healpix29', 'pos.healpix', false, false),
    ('galcat.tile', 'n_sources', 'meta.number;src', false, false),
    ('galcat.tile', 'n_galaxies', 'meta.number;src', false, true),
    ('galcat.tile', 'n_skipped', 'meta.number;src', false, false),
    ('galcat.tile', 'n_failed', 'meta.number;src', false, false),
    ('galcat.tile', 'state', 'meta.code.status', false, true),
    ('galcat.tile', 'finished_at', 'time.processing', false, false),
    ('galcat.skipped_row', 'survey', 'meta.id;meta.dataset', false, true),
    ('galcat.skipped_row', 'tile', 'meta.id;obs.field', false, true),
    ('galcat.skipped_row', 'survey_source_id', 'meta.id;src', false, true),
    ('galcat.skipped_row', 'reason', 'meta.code', false, true),
    ('galcat.release', 'name', 'meta.id;meta.main', true, true),
    ('galcat.release', 'backbone', 'meta.id;meta.software', false, true),
    ('galcat.release', 'view_set', 'meta.number', false, false),
    ('galcat.release', 'dimension', 'meta.number', false, true),
    ('galcat.release', 'weights_sha256', 'meta.id', true, false),
    ('galcat.release', 'is_current', 'meta.code.status', true, true),
    ('galcat.release', 'created_at', 'time.creation', false, false),
    ('galcat.task', 'name', 'meta.id;meta.main', true, true),
    ('galcat.task', 'question', 'meta.note', false, true),
    ('galcat.task', 'kind', 'meta.code.class', false, true),
    ('galcat.task', 'classes', 'meta.code.member', false, true),
    ('galcat.task', 'version', 'meta.version', false, false),
    ('galcat.task', 'method', 'meta.code', false, false),
    ('galcat.task', 'labels', 'meta.number', false, true),
    ('galcat.task', 'made_at', 'time.processing', false, false),
    ('galcat.task', 'column_names', 'meta.id', false, true),
    ('galcat.label', 'task', 'meta.id', true, true),
    ('galcat.label', 'object_id', 'meta.id;src', true, true),
    ('galcat.label', 'answer', 'meta.code.class', false, true),
    ('galcat.label', 'votes', 'meta.number', false, true),
    ('galcat.label', 'rating', 'stat.value;stat.mean', false, true);
INSERT INTO galcat_tap.column_note (table_name, column_name, ucd, xtype, is_principal)
VALUES ('galcat.tile', 's_region', 'pos.outline;obs.field', 'polygon', true);
UPDATE galcat_tap.column_note SET arraysize = '40' WHERE (table_name, column_name) = ('galcat.embedding', 'search');
