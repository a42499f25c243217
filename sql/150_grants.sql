-- Who may do what: the owner makes, the writer writes rows, the reader reads.
DO $$
DECLARE
    relation record;
BEGIN
    FOR relation IN
        SELECT c.relname FROM pg_catalog.pg_class AS c
        WHERE c.relnamespace = 'galcat'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    LOOP
        EXECUTE format('ALTER TABLE galcat.%I OWNER TO galcat_owner', relation.relname);
    END LOOP;
END
$$;

REVOKE ALL ON SCHEMA galcat FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION galcat.add_release_partitions, galcat.build_search_index, galcat.build_cut_indexes,
    galcat.count_sky FROM PUBLIC;
ALTER FUNCTION galcat.add_release_partitions OWNER TO galcat_owner;
ALTER FUNCTION galcat.build_search_index OWNER TO galcat_owner;
ALTER FUNCTION galcat.build_cut_indexes OWNER TO galcat_owner;
ALTER FUNCTION galcat.count_sky OWNER TO galcat_owner;

GRANT USAGE ON SCHEMA galcat TO galcat_reader, galcat_writer;
GRANT USAGE, CREATE ON SCHEMA galcat TO galcat_owner;
GRANT SELECT ON ALL TABLES IN SCHEMA galcat TO galcat_reader, galcat_writer;
GRANT INSERT, UPDATE, DELETE ON
    galcat.survey, galcat.tile, galcat.ingestion, galcat.skipped_row, galcat.source,
    galcat.embedding, galcat.embedding_full, galcat.morphology, galcat.thumbnail
    TO galcat_writer;
REVOKE ALL ON galcat.schema_history FROM galcat_reader, galcat_writer;
