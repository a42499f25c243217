-- What every public column means, and its unit in brackets: [1] for a ratio, [-] where a unit has no meaning.

COMMENT ON TABLE galcat.source IS 'A galaxy as its survey lists it';
COMMENT ON TABLE galcat.survey IS 'A survey: its bands and how its files are read';
COMMENT ON TABLE galcat.tile IS 'A tile of a survey, or a chunk of at most 1,000 rows of a cutout table: the unit of ingestion';
COMMENT ON TABLE galcat.release IS 'Encoder weights, image recipe and projection: all that is needed to add one more galaxy the same way';
COMMENT ON TABLE galcat.ingestion IS 'What became of a tile in a release';
COMMENT ON TABLE galcat.skipped_row IS 'A source that got no vector, and why';
COMMENT ON TABLE galcat.embedding IS 'Search vector of a galaxy in a release';
COMMENT ON TABLE galcat.embedding_full IS 'Full-width encoder representation of a galaxy in a release';
COMMENT ON TABLE galcat.morphology IS 'Dirichlet posterior of every Galaxy Zoo question, of a galaxy in a release';
COMMENT ON TABLE galcat.calibration IS 'How the vote fractions of a question are calibrated to a survey in a release, and what that gained on votes held out';
COMMENT ON TABLE galcat.sky_count IS 'Galaxies of a HEALPix cell, as counted with the last statistics';
COMMENT ON TABLE galcat.attribute_axis IS 'The direction among search vectors along which an attribute grows';
COMMENT ON TABLE galcat.thumbnail IS 'Small colour picture of a galaxy';
COMMENT ON TABLE galcat.task IS 'A question that people answer of galaxies: yes or no, several classes, or an interest of 0 to 5';
COMMENT ON TABLE galcat.label IS 'What one person said of a galaxy, when; never changed: a later row of the same person counts in its place, and one without answer takes it back';
COMMENT ON TABLE galcat.tag IS 'A free word that one person put on a galaxy, when; never changed: a later row counts in its place';
COMMENT ON TABLE galcat.task_version IS 'A model of a task, learnt from the labels of its time';
COMMENT ON TABLE galcat.interest_round IS 'A round of a personal anomaly search: what was known when the next galaxies were chosen';
COMMENT ON TABLE galcat.interest_offer IS 'A galaxy that a round offered to be rated';
COMMENT ON TABLE galcat.interest_top IS 'The galaxies that a round expects to be the most interesting';
COMMENT ON TABLE galcat.release_map IS 'Where every galaxy of a release stands on its map: near each other is alike';
COMMENT ON TABLE galcat.neighbour_graph IS 'Graphs of neighbours that were made, or are being made';
COMMENT ON TABLE galcat.neighbour_list IS 'The nearest galaxies of each galaxy in a graph';
COMMENT ON TABLE galcat.galaxy_change IS 'Which galaxies a statement changed, in which transaction: for those who hold galaxies in memory';
COMMENT ON TABLE galcat.recall IS 'Share of the nearest galaxies that the vector index found, each time that it was measured';
COMMENT ON VIEW galcat.current_label IS 'What everybody says of each galaxy today';
COMMENT ON VIEW galcat.current_tag IS 'The tags that everybody has on each galaxy today';

CREATE OR REPLACE FUNCTION galcat.describe_columns(only_of name DEFAULT NULL)
RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
DECLARE
    relation record;
    item record;
    meaning text;
    words CONSTANT jsonb := '{
        "object_id": "Identity of the galaxy, made from its survey and the survey''s own id [-]",
        "survey_id": "Number of the survey [-]",
        "survey": "Name of the survey [-]",
        "survey_source_id": "The survey''s own id of the source [-]",
        "tile_id": "Number of the tile [-]",
        "tile": "Name of the tile the galaxy was cut from [-]",
        "ra": "Right ascension, ICRS [deg]",
        "dec": "Declination, ICRS [deg]",
        "healpix29": "HEALPix index of the position, order 29, nested [-]",
        "petro_th50": "Radius that holds half the Petrosian flux in r [arcsec]",
        "petro_th90": "Radius that holds 90 per cent of the Petrosian flux in r [arcsec]",
        "shape_r": "Half-light radius of the fitted model [arcsec]",
        "pixel_scale_arcsec": "Pixel scale of the Galaxy Zoo cutout, whose field is 424 such pixels [arcsec]",
        "mag_g": "Magnitude in g, observed, AB [mag]",
        "mag_r": "Magnitude in r, observed, AB [mag]",
        "mag_i": "Magnitude in i, observed, AB [mag]",
        "mag_z": "Magnitude in z, observed, AB [mag]",
        "is_retired": "True when the survey no longer lists the source in its tile [-]",
        "search": "Representation in 40 dimensions; two random galaxies are about 1 apart (Euclidean) [1]",
        "vector": "Representation at the encoder''s full width [1]",
        "picture_digest": "First 64 bits of the BLAKE2b of the picture that the encoder saw; NULL where it was not kept [-]",
        "object_ids": "object_ids of the galaxies on the map, 64 bits each, little-endian [-]",
        "places": "x and y of each of them, -1 to 1, as 32-bit floats, little-endian [1]",
        "cell_order": "Order of the HEALPix cell [-]",
        "cell": "Number of the HEALPix cell, nested [-]",
        "galaxies": "How many galaxies lie in it, or were measured [-]",
        "attribute": "Name of the attribute [-]",
        "axis": "Unit vector from the mean of the galaxies that have least of it to that of those that have most [1]",
        "spread_deg": "Radius of the disk that they would fill evenly [deg]",
        "jpeg": "The picture, JPEG [-]",
        "release_id": "Number of the encoder release [-]",
        "name": "Name [-]",
        "description": "What it is, in a sentence [-]",
        "bands": "Photometric bands [-]",
        "definition": "The survey description it was read with, TOML [-]",
        "footprint": "Corners as ra, dec, ra, dec, ...; empty for a chunk of cutouts [deg]",
        "files": "Files the tile was last read from, relative to the ingested folder [-]",
        "folder": "Folder that was ingested, on the machine that did; NULL where it was not kept [-]",
        "weights_sha256": "SHA-256 of the encoder''s weights file [-]",
        "backbone": "Network architecture, by its timm name [-]",
        "recipe": "How pixels become the encoder''s input [-]",
        "view_set": "Views averaged for one vector: 1, or the 8 symmetries of the square [-]",
        "dimension": "Width of the full representation [-]",
        "projection_mean": "Mean of the full representation, taken off before projecting [1]",
        "projection_components": "The 40 principal axes, one after the other [1]",
        "projection_deviations": "Standard deviation along each axis in the sample of the fit [1]",
        "projection_scale": "Factor that puts two random galaxies about 1 apart [1]",
        "is_current": "True for the one release that galcat.galaxy shows [-]",
        "created_at": "When it was registered [-]",
        "state": "done or failed [-]",
        "fingerprint": "Names, sizes and times of the files, without reading them [-]",
        "content_hash": "BLAKE2b of the files'' content [-]",
        "n_sources": "Sources selected in the tile [-]",
        "n_galaxies": "Sources that got a vector [-]",
        "n_skipped": "Sources skipped for their pixels [-]",
        "n_failed": "Sources whose image could not be read; a re-run tries them again [-]",
        "error": "Why the tile failed, in one line [-]",
        "attempts": "How often the tile was tried [-]",
        "finished_at": "When the last attempt ended [-]",
        "file_row": "Row in the survey''s table, from 0 [-]",
        "reason": "edge, bad_pixels, nan or unreadable_image [-]",
        "detail": "The reason in one line [-]",
        "will_retry": "True when a re-run tries the row again [-]",
        "anomaly_score": "How strange the galaxy is: the share of the release''s reference sample that is less so [1]",
        "framing_flag": "What is wrong with the picture that the encoder saw: a sum of 1 no object, 2 several, 4 a point source, 8 cut by the edge, 16 too few pixels, 32 far from the middle; 0 where nothing is or no frame was sought, NULL for galaxies from before this column [-]",
        "domain_distance": "How far the galaxy lies from the real galaxies that the encoder was trained on: above 1, further than 99 per cent of them from each other; NULL where the release has no sample of them [1]",
        "network_posterior": "Every fraction and then every concentration as the network gave them, where those of the row are calibrated to the survey; NULL where the row has the network''s own [1]",
        "is_calibrated": "True where the vote fractions are calibrated to volunteers'' votes of this survey, see galcat.calibration [-]",
        "temperature": "Factor of the logarithm of the Dirichlet parameters [1]",
        "shifts": "Added to the logarithm of the Dirichlet parameter of each answer, in the order of the columns [1]",
        "votes_file": "Name of the table that the votes came in [-]",
        "measured": "How the vote fractions did on real galaxies: which, and the figures of each question; NULL where that was not measured [-]",
        "anomaly_reference": "What strangeness is measured against, frozen with the release [-]",
        "task_id": "Number of the task [-]",
        "task": "Name of the task [-]",
        "question": "What is asked of a galaxy [-]",
        "kind": "binary, classes or interest [-]",
        "classes": "The answers there are; none for an interest of 0 to 5 [-]",
        "owner": "Who made it [-]",
        "has_column": "True when galcat.galaxy has columns of it [-]",
        "is_dropped": "True when somebody took its columns away: only a person brings them back [-]",
        "label_id": "Number of the label; a later one is higher [-]",
        "answer": "One of the task''s classes [-]",
        "rating": "Interest, 0 to 5 [-]",
        "labeller": "Who said so [-]",
        "labelled_at": "When [-]",
        "origin": "How it came: sql, a file, anomalies, ... [-]",
        "tag_id": "Number of the tag; a later one is higher [-]",
        "tag": "A word, without # [-]",
        "is_withdrawn": "True when the person takes the tag back [-]",
        "version_id": "Number of the version among those of all tasks [-]",
        "version": "Number of the version among those of its task and release, from 1 [-]",
        "method": "head (linear, on stored vectors), deep (the network itself) or interest (Gaussian process) [-]",
        "labels_seen": "Rows of label that the task had when it was learnt [-]",
        "model": "The model itself, as encoder reads it; of a deep one the digest of its file [-]",
        "report": "What was measured on labels held out, and of how many [-]",
        "refused": "Why this version is not shown; NULL when nothing speaks against it [-]",
        "made_at": "When it was made [-]",
        "measured_at": "When it was measured [-]",
        "occasion": "After what it was measured, or by whom: ingest, retract, night, check [-]",
        "graph_id": "Number of the graph of neighbours [-]",
        "content": "Digest of the tiles that it was made of [-]",
        "neighbours": "object_ids of the nearest galaxies, the nearest first [-]",
        "distances": "Distance of each of them; two random galaxies are about 1 apart [1]",
        "neighbour_id": "object_id of the neighbour [-]",
        "distance": "Euclidean distance of the search vectors; two random galaxies are about 1 apart [1]",
        "change_id": "Number of the change [-]",
        "transaction_id": "Number of the transaction that changed them [-]",
        "changed_ids": "The galaxies that were changed; NULL where any may have been [-]",
        "recall": "Share of the nearest galaxies that the vector index found [1]",
        "nearest": "How many of the nearest were asked for [-]",
        "queries": "Of how many galaxies [-]",
        "vectors": "How many vectors the index had [-]",
        "vacuumed_at": "When Postgres vacuumed the vectors last; NULL before the first time [-]",
        "round": "Number of the round, from 1 [-]",
        "ratings": "Galaxies that had been rated by then [-]",
        "place": "Rank, from 1 [-]",
        "expected_improvement": "How far the rating is expected to surpass the best so far; NULL for a random galaxy [1]",
        "interest": "Expected rating, 0 to 5 [1]",
        "uncertainty": "Standard deviation of what is expected [1]"}';
BEGIN
    FOR relation IN
        SELECT c.oid, c.relname, c.relkind FROM pg_catalog.pg_class AS c
        WHERE c.relnamespace = 'galcat'::regnamespace AND c.relkind IN ('r', 'v', 'p')
            AND NOT c.relispartition AND c.relname <> 'schema_history' AND c.relname NOT LIKE 'task\_score\_t%'
            AND c.relname = coalesce(only_of, c.relname)
    LOOP
        FOR item IN
            SELECT a.attname FROM pg_catalog.pg_attribute AS a
            WHERE a.attrelid = relation.oid AND a.attnum > 0 AND NOT a.attisdropped
        LOOP
            meaning := CASE
                WHEN words ? item.attname THEN words ->> item.attname
                WHEN item.attname LIKE '%\_fraction' THEN
                    'Posterior mean of the vote fraction of ' || replace(item.attname, '_fraction', '')
                    || CASE relation.relname WHEN 'galaxy' THEN (
                        SELECT concat('; ' || galcat.measured_text(q.name), '; ' || galcat.calibrated_text(q.name))
                        FROM (SELECT replace(a.attname, '_concentration', '') AS name FROM pg_catalog.pg_attribute AS a
                            WHERE a.attrelid = relation.oid AND a.attname LIKE '%\_concentration') AS q
                        WHERE starts_with(item.attname, q.name || '_')) ELSE '' END || ' [1]'
                WHEN item.attname LIKE '%\_concentration' THEN
                    'Sum of the Dirichlet parameters of ' || replace(item.attname, '_concentration', '') || ' [1]'
                WHEN item.attname LIKE '%\_proportion\_asked' THEN
                    'Expected share of volunteers who are asked '
                    || replace(item.attname, '_proportion_asked', '') || ' [1]'
                ELSE (
                    SELECT c.meaning || coalesce(', version ' || n.version || ' of ' || n.made_at::date, '') || ' [1]'
                    FROM galcat.task_columns() AS c
                    LEFT JOIN galcat.task_version AS n ON n.task = c.task AND n.is_current
                        AND n.release_id = (SELECT galcat.current_release())
                    WHERE c.column_name = item.attname)
                END;
            IF meaning IS NULL THEN
                RAISE EXCEPTION 'column galcat.%.% has no comment in 140_comments.sql',
                    relation.relname, item.attname;
            END IF;
            EXECUTE format('COMMENT ON COLUMN galcat.%I.%I IS %L', relation.relname, item.attname, meaning);
        END LOOP;
        IF relation.relname = 'galaxy' THEN
            EXECUTE format('COMMENT ON VIEW galcat.galaxy IS %L',
                'A galaxy of the current release: position, magnitudes, morphology, and what tasks say of it'
                || coalesce('; ' || (SELECT galcat.measured_summary()), ''));
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION galcat.describe_columns IS 'Comments every public column, or those of one relation; those of tasks with their version. Owner only.';

SELECT galcat.describe_columns();
