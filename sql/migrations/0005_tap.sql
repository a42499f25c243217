-- What the Virtual Observatory's service publishes, and what it keeps: jobs, and the queries it was asked.

CREATE SCHEMA galcat_tap AUTHORIZATION galcat_owner;
CREATE SCHEMA tap_schema AUTHORIZATION galcat_owner;
CREATE SCHEMA ivoa AUTHORIZATION galcat_owner;
CREATE SCHEMA tap_upload AUTHORIZATION galcat_uploads;

CREATE TABLE galcat_tap.job (
    job_id text PRIMARY KEY,
    run_id text,
    phase text NOT NULL CHECK (phase IN ('PENDING', 'QUEUED', 'EXECUTING', 'COMPLETED', 'ERROR', 'ABORTED',
        'HELD', 'SUSPENDED', 'ARCHIVED')),
    address text,
    parameters jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    queued_at timestamptz,
    started_at timestamptz,
    ended_at timestamptz,
    destruction timestamptz NOT NULL,
    execution_seconds integer NOT NULL CHECK (execution_seconds >= 0),
    error text,
    result_file text,
    result_type text,
    result_bytes bigint,
    result_rows bigint,
    is_cut boolean,
    base_url text NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    uploads jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX job_phase ON galcat_tap.job (phase);
CREATE INDEX job_destruction ON galcat_tap.job (destruction);
CREATE INDEX job_created_at ON galcat_tap.job (created_at);
ALTER TABLE galcat_tap.job OWNER TO galcat_owner;

CREATE TABLE galcat_tap.query_log (
    query_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    asked_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    ended_at timestamptz,
    address text,
    interface text NOT NULL CHECK (interface IN ('sync', 'async', 'scs', 'datalink', 'cutout')),
    language text,
    query text,
    phase text NOT NULL CHECK (phase IN ('EXECUTING', 'COMPLETED', 'ERROR', 'ABORTED')),
    rows bigint,
    seconds double precision,
    error text,
    job_id text,
    user_agent text
);
CREATE INDEX query_log_asked_at ON galcat_tap.query_log (asked_at);
ALTER TABLE galcat_tap.query_log OWNER TO galcat_owner;

-- What comments do not say of published columns; written by the files that make them.
CREATE TABLE galcat_tap.column_note (
    table_name text NOT NULL,
    column_name text NOT NULL,
    ucd text,
    utype text,
    xtype text,
    arraysize text,
    is_indexed boolean NOT NULL DEFAULT false,
    is_principal boolean NOT NULL DEFAULT false,
    PRIMARY KEY (table_name, column_name)
);
ALTER TABLE galcat_tap.column_note OWNER TO galcat_owner;

COMMENT ON SCHEMA galcat_tap IS 'What the Virtual Observatory''s service publishes, and what it keeps';
COMMENT ON SCHEMA tap_schema IS 'The tables that may be asked, described as TAP 1.1 wants it';
COMMENT ON SCHEMA ivoa IS 'The observations, as the Virtual Observatory''s data model ObsCore 1.1 describes them';
COMMENT ON SCHEMA tap_upload IS 'Tables that came with queries';

COMMENT ON TABLE galcat_tap.job IS 'An asynchronous query (UWS 1.1), until it is destroyed';
COMMENT ON COLUMN galcat_tap.job.job_id IS 'Identity of the job, part of its URL [-]';
COMMENT ON COLUMN galcat_tap.job.run_id IS 'What the client calls it [-]';
COMMENT ON COLUMN galcat_tap.job.phase IS 'Of UWS: PENDING, QUEUED, EXECUTING, COMPLETED, ERROR, ABORTED, HELD, SUSPENDED or ARCHIVED [-]';
COMMENT ON COLUMN galcat_tap.job.address IS 'Network address of who asked [-]';
COMMENT ON COLUMN galcat_tap.job.parameters IS 'Parameters as given, by upper-case name [-]';
COMMENT ON COLUMN galcat_tap.job.created_at IS 'When it was created [-]';
COMMENT ON COLUMN galcat_tap.job.queued_at IS 'When it was asked to run [-]';
COMMENT ON COLUMN galcat_tap.job.started_at IS 'When it began to run [-]';
COMMENT ON COLUMN galcat_tap.job.ended_at IS 'When it ended, well or not [-]';
COMMENT ON COLUMN galcat_tap.job.destruction IS 'When it and its result are removed [-]';
COMMENT ON COLUMN galcat_tap.job.execution_seconds IS 'How long it may run; 0 without a limit of its own [s]';
COMMENT ON COLUMN galcat_tap.job.error IS 'Why it failed, in one line [-]';
COMMENT ON COLUMN galcat_tap.job.result_file IS 'Name of the file with its result [-]';
COMMENT ON COLUMN galcat_tap.job.result_type IS 'Media type of its result [-]';
COMMENT ON COLUMN galcat_tap.job.result_bytes IS 'Size of its result [byte]';
COMMENT ON COLUMN galcat_tap.job.result_rows IS 'Rows of its result [-]';
COMMENT ON COLUMN galcat_tap.job.is_cut IS 'True when there are more rows than were asked for at most [-]';
COMMENT ON COLUMN galcat_tap.job.base_url IS 'Of the service, as the client that made it knows it [-]';
COMMENT ON COLUMN galcat_tap.job.tries IS 'How often it began to run: a service that ends meanwhile lets it begin again [-]';
COMMENT ON COLUMN galcat_tap.job.uploads IS 'Tables that came with it: name in the query, table in tap_upload, description [-]';

COMMENT ON TABLE galcat_tap.query_log IS 'What the service was asked, when, and how that went';
COMMENT ON COLUMN galcat_tap.query_log.query_id IS 'Number of the query; a later one is higher [-]';
COMMENT ON COLUMN galcat_tap.query_log.asked_at IS 'When it came [-]';
COMMENT ON COLUMN galcat_tap.query_log.ended_at IS 'When the answer ended [-]';
COMMENT ON COLUMN galcat_tap.query_log.address IS 'Network address of who asked [-]';
COMMENT ON COLUMN galcat_tap.query_log.interface IS 'sync, async, scs, datalink or cutout [-]';
COMMENT ON COLUMN galcat_tap.query_log.language IS 'As it was named, such as ADQL-2.1 [-]';
COMMENT ON COLUMN galcat_tap.query_log.query IS 'Its text [-]';
COMMENT ON COLUMN galcat_tap.query_log.phase IS 'EXECUTING, COMPLETED, ERROR or ABORTED [-]';
COMMENT ON COLUMN galcat_tap.query_log.rows IS 'Rows of the answer [-]';
COMMENT ON COLUMN galcat_tap.query_log.seconds IS 'From the question to the end of the answer [s]';
COMMENT ON COLUMN galcat_tap.query_log.error IS 'Why it failed, in one line [-]';
COMMENT ON COLUMN galcat_tap.query_log.job_id IS 'The job it was run for, if any [-]';
COMMENT ON COLUMN galcat_tap.query_log.user_agent IS 'What the client says it is [-]';

COMMENT ON TABLE galcat_tap.column_note IS 'What comments do not say of published columns';
COMMENT ON COLUMN galcat_tap.column_note.table_name IS 'Name of the table in ADQL, with its schema [-]';
COMMENT ON COLUMN galcat_tap.column_note.column_name IS 'Name of the column [-]';
COMMENT ON COLUMN galcat_tap.column_note.ucd IS 'What kind of quantity it is: UCD1+ [-]';
COMMENT ON COLUMN galcat_tap.column_note.utype IS 'Its role in a data model [-]';
COMMENT ON COLUMN galcat_tap.column_note.xtype IS 'Extended type, where the type in Postgres does not tell [-]';
COMMENT ON COLUMN galcat_tap.column_note.arraysize IS 'Length of the arrays, where all have the same [-]';
COMMENT ON COLUMN galcat_tap.column_note.is_indexed IS 'True where a condition on it is fast [-]';
COMMENT ON COLUMN galcat_tap.column_note.is_principal IS 'True where it belongs to a first look [-]';
