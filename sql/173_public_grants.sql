-- What strangers may see, and who keeps the service's own tables. The front end is the first wall, this the second.

REVOKE ALL ON SCHEMA galcat_tap, tap_schema, ivoa, tap_upload FROM PUBLIC;
GRANT USAGE ON SCHEMA galcat_tap, tap_schema, ivoa TO galcat_reader, galcat_writer, galcat_public;
GRANT USAGE ON SCHEMA tap_upload TO galcat_public;
GRANT USAGE ON SCHEMA galcat TO galcat_public;

-- Jobs and queries are private: of who asked, and of the service.
GRANT SELECT, INSERT, UPDATE, DELETE ON galcat_tap.job, galcat_tap.query_log TO galcat_writer;

GRANT SELECT ON
    galcat_tap.embedding, galcat_tap.survey, galcat_tap.tile, galcat_tap.skipped_row,
    galcat_tap.release, galcat_tap.task, galcat_tap.label, galcat_tap.published
    TO galcat_reader, galcat_writer, galcat_public;
GRANT SELECT ON ALL TABLES IN SCHEMA tap_schema, ivoa TO galcat_reader, galcat_writer, galcat_public;
GRANT SELECT ON galcat.galaxy, galcat.sky_count TO galcat_public;
-- What a search reads besides: it sorts vectors where nothing else is asked for.
GRANT SELECT ON galcat.embedding TO galcat_public;
-- Whether what is held in memory is of today.
GRANT SELECT ON galcat.galaxy_change TO galcat_public;
-- search_vector() projects with the rights of who asks. The projection is no secret: it is published with the weights.
GRANT SELECT (release_id, name, is_current, dimension, projection_mean, projection_components, projection_scale)
    ON galcat.release TO galcat_public;

-- Each table that comes with a query is readable at once; which query may name it, the front end decides.
ALTER DEFAULT PRIVILEGES FOR ROLE galcat_uploads IN SCHEMA tap_upload GRANT SELECT ON TABLES TO galcat_public;
