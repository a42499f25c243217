-- The partitions of a release, and its vector index: the only dynamic DDL.

CREATE OR REPLACE FUNCTION galcat.add_release_partitions(release smallint, dimension integer)
RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
BEGIN
    -- Made apart, then attached: PARTITION OF would wait behind every reader, and readers behind it.
    EXECUTE format('CREATE TABLE galcat.embedding_r%s (LIKE galcat.embedding INCLUDING ALL)', release);
    EXECUTE format('CREATE TABLE galcat.morphology_r%s (LIKE galcat.morphology INCLUDING ALL)', release);
    EXECUTE format(
        'CREATE TABLE galcat.embedding_full_r%1$s (LIKE galcat.embedding_full INCLUDING ALL, '
        'CONSTRAINT embedding_full_r%1$s_dimension CHECK (public.vector_dims(vector) = %2$s))', release, dimension);
    -- In line, not in TOAST: 1.1 against 4.2 microseconds a row when whole columns are read.
    EXECUTE format('ALTER TABLE galcat.embedding_full_r%s ALTER COLUMN vector SET STORAGE PLAIN', release);
    PERFORM galcat.tell_changes_of(format('galcat.embedding_r%s', release)::regclass);
    PERFORM galcat.tell_changes_of(format('galcat.morphology_r%s', release)::regclass);
    EXECUTE format('ALTER TABLE galcat.embedding ATTACH PARTITION galcat.embedding_r%1$s FOR VALUES IN (%1$s)', release);
    EXECUTE format('ALTER TABLE galcat.morphology ATTACH PARTITION galcat.morphology_r%1$s FOR VALUES IN (%1$s)', release);
    EXECUTE format('ALTER TABLE galcat.embedding_full ATTACH PARTITION galcat.embedding_full_r%1$s '
        'FOR VALUES IN (%1$s)', release);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON galcat.embedding_r%1$s, galcat.morphology_r%1$s, '
        'galcat.embedding_full_r%1$s TO galcat_writer', release);
END
$$;
COMMENT ON FUNCTION galcat.add_release_partitions IS 'Makes the partitions of a new release. Owner only.';

CREATE OR REPLACE FUNCTION galcat.search_index_name(release smallint)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'embedding_r' || release || '_search_hnsw';
COMMENT ON FUNCTION galcat.search_index_name IS 'Name of the vector index of a release.';

-- One that was cut off in mid-build is there, and invalid: Postgres keeps it up to date and never asks it.
CREATE OR REPLACE FUNCTION galcat.has_search_index(release smallint)
RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT EXISTS (
        SELECT FROM pg_catalog.pg_index AS i
        WHERE i.indexrelid = to_regclass('galcat.' || galcat.search_index_name(release)) AND i.indisvalid);
END;
COMMENT ON FUNCTION galcat.has_search_index IS 'Whether the vector index of a release is there, and whole.';

CREATE OR REPLACE FUNCTION galcat.search_index_statements(release smallint, how text)
RETURNS TABLE (statement text) LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    VALUES
        (format('DROP INDEX %s IF EXISTS galcat.%I', how, galcat.search_index_name(release))),
        (format('CREATE INDEX %s %I ON galcat.embedding_r%s USING hnsw (search public.halfvec_l2_ops) '
            'WITH (m = 16, ef_construction = 96)', how, galcat.search_index_name(release), release)),
        (format('ANALYZE galcat.embedding_r%s', release));
END;
COMMENT ON FUNCTION galcat.search_index_statements IS
    'What builds the vector index of a release, in the place of one whose build was cut off; CONCURRENTLY, tiles are written meanwhile.';

CREATE OR REPLACE FUNCTION galcat.drop_search_index(release smallint)
RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
BEGIN
    EXECUTE format('DROP INDEX IF EXISTS galcat.%I', galcat.search_index_name(release));
END
$$;
COMMENT ON FUNCTION galcat.drop_search_index IS
    'Takes the vector index of a release away, before a load that it would slow down. Owner only.';

CREATE OR REPLACE FUNCTION galcat.build_cut_indexes(release smallint)
RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
DECLARE
    fraction name;
    index_name text;
BEGIN
    FOR fraction IN
        SELECT a.attname FROM pg_attribute AS a
        WHERE a.attrelid = 'galcat.morphology'::regclass AND a.attname LIKE '%\_fraction' AND NOT a.attisdropped
    LOOP
        index_name := format('morphology_r%s_%s_most', release, replace(fraction, '_fraction', ''));
        EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON galcat.morphology_r%s (%I) WHERE %I > 0.5',
            index_name, release, fraction, fraction);
    END LOOP;
END
$$;
COMMENT ON FUNCTION galcat.build_cut_indexes IS
    'Indexes of the answers that most volunteers give, for rare cuts such as merger > 0.8: an answer a question and galaxy at most. Owner only.';

CREATE OR REPLACE FUNCTION galcat.build_search_index(release smallint)
RETURNS boolean LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
DECLARE
    step text;
BEGIN
    -- Two ingestions may end in the same moment: the second waits, then finds the indexes.
    PERFORM pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('galcat/index/' || release, 0));
    PERFORM galcat.build_cut_indexes(release);
    IF NOT EXISTS (SELECT FROM galcat.attribute_axis AS a WHERE a.release_id = release) THEN
        PERFORM galcat.measure_attributes(release);
    END IF;
    IF galcat.has_search_index(release) THEN
        RETURN false;
    END IF;
    FOR step IN SELECT s.statement FROM galcat.search_index_statements(release, '') AS s LOOP
        EXECUTE step;
    END LOOP;
    RETURN true;
END
$$;
COMMENT ON FUNCTION galcat.build_search_index IS
    'Builds the vector index of a release, in parallel, after its first bulk load; false if it is there. Owner only.';
