-- Who may do what: the owner makes, the writer writes rows, the labeller adds labels, the reader reads.
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
DO $$
DECLARE
    owners_own regprocedure;
BEGIN
    FOR owners_own IN
        SELECT p.oid FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = 'galcat'::regnamespace
            AND pg_catalog.obj_description(p.oid, 'pg_proc') LIKE '%Owner only.'
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', owners_own);
        EXECUTE format('ALTER FUNCTION %s OWNER TO galcat_owner', owners_own);
    END LOOP;
END
$$;

-- What is not declared to change nothing is no stranger's business either; triggers fire without the right to call.
DO $$
DECLARE
    changing regprocedure;
BEGIN
    FOR changing IN
        SELECT p.oid FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = 'galcat'::regnamespace AND p.provolatile = 'v'
    LOOP
        EXECUTE format('REVOKE EXECUTE ON ROUTINE %s FROM PUBLIC', changing);
    END LOOP;
END
$$;
GRANT EXECUTE ON FUNCTION galcat.forget_scores, galcat.calibrate_written TO galcat_writer;

GRANT USAGE ON SCHEMA galcat TO galcat_reader, galcat_writer, galcat_labeller;
GRANT USAGE, CREATE ON SCHEMA galcat TO galcat_owner;
GRANT SELECT ON ALL TABLES IN SCHEMA galcat TO galcat_reader, galcat_writer;
GRANT INSERT, UPDATE, DELETE ON
    galcat.survey, galcat.tile, galcat.ingestion, galcat.skipped_row, galcat.source,
    galcat.embedding, galcat.embedding_full, galcat.morphology, galcat.thumbnail,
    galcat.task_version, galcat.interest_round, galcat.interest_offer, galcat.interest_top,
    galcat.release_map, galcat.recall, galcat.neighbour_graph, galcat.neighbour_list
    TO galcat_writer;
-- What functions grant when they make a table is granted again: a dump may have been read in without grants.
DO $$
DECLARE
    part record;
BEGIN
    FOR part IN
        SELECT c.oid::regclass::text AS name FROM pg_catalog.pg_inherits AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent IN ('galcat.embedding'::regclass, 'galcat.embedding_full'::regclass, 'galcat.morphology'::regclass)
            AND c.relkind = 'r'
    LOOP
        EXECUTE format('GRANT INSERT, UPDATE, DELETE ON %s TO galcat_writer', part.name);
    END LOOP;
    FOR part IN
        SELECT c.oid::regclass::text AS name FROM pg_catalog.pg_class AS c
        WHERE c.relnamespace = 'galcat'::regnamespace AND c.relkind = 'p' AND c.relname ~ '^task_score_t\d+$'
    LOOP
        EXECUTE format('GRANT DELETE ON %s TO galcat_writer', part.name);
    END LOOP;
END
$$;
-- A task means the same for ever, and labels are history: nobody is granted more than to add to them.
GRANT INSERT ON galcat.task TO galcat_writer;
-- The number of a label says which of two is the later word: nobody chooses it.
REVOKE INSERT ON galcat.label, galcat.tag FROM galcat_writer;
GRANT INSERT (task, object_id, answer, rating, labeller, labelled_at, origin) ON galcat.label TO galcat_writer;
GRANT INSERT (object_id, tag, is_withdrawn, labeller, labelled_at, origin) ON galcat.tag TO galcat_writer;
GRANT INSERT (task, object_id, answer, rating, labeller) ON galcat.label TO galcat_labeller;
GRANT INSERT (object_id, tag, is_withdrawn, labeller) ON galcat.tag TO galcat_labeller;
REVOKE ALL ON galcat.schema_history FROM galcat_reader, galcat_writer;
