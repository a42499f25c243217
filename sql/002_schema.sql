-- The extension and the schema everything lives in.
CREATE EXTENSION IF NOT EXISTS vector;
CREATE SCHEMA IF NOT EXISTS galcat;
ALTER SCHEMA galcat OWNER TO galcat_owner;
COMMENT ON SCHEMA galcat IS 'A galaxy catalogue that understands images: positions, morphology, embeddings';

CREATE TABLE IF NOT EXISTS galcat.schema_history (
    file text PRIMARY KEY,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
ALTER TABLE galcat.schema_history OWNER TO galcat_owner;
COMMENT ON TABLE galcat.schema_history IS 'The sql/ files this database was built from, as last applied';
