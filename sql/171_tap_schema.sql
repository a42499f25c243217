-- TAP_SCHEMA (TAP 1.1, section 4): the published tables, described from the system's own catalogue and its comments,
-- so that a task's column is there as soon as galcat.galaxy has it.

CREATE OR REPLACE VIEW galcat_tap.published AS
SELECT p.schema_name, p.schema_name || '.' || p.name AS table_name, p.name, p.stored_schema, p.name AS stored_name,
    p.number AS table_index, p.schema_name <> 'galcat' AS is_standard,
    to_regclass(p.stored_schema || '.' || p.name) AS relation
FROM (VALUES
    (0, 'galcat', 'galaxy', 'galcat'),
    (1, 'galcat', 'embedding', 'galcat_tap'),
    (2, 'galcat', 'survey', 'galcat_tap'),
    (3, 'galcat', 'tile', 'galcat_tap'),
    (4, 'galcat', 'skipped_row', 'galcat_tap'),
    (5, 'galcat', 'release', 'galcat_tap'),
    (6, 'galcat', 'task', 'galcat_tap'),
    (7, 'galcat', 'label', 'galcat_tap'),
    (8, 'ivoa', 'obscore', 'ivoa'),
    (9, 'tap_schema', 'schemas', 'tap_schema'),
    (10, 'tap_schema', 'tables', 'tap_schema'),
    (11, 'tap_schema', 'columns', 'tap_schema'),
    (12, 'tap_schema', 'keys', 'tap_schema'),
    (13, 'tap_schema', 'key_columns', 'tap_schema')
) AS p (number, schema_name, name, stored_schema);
ALTER VIEW galcat_tap.published OWNER TO galcat_owner;
COMMENT ON VIEW galcat_tap.published IS 'The tables of TAP_SCHEMA, and what they are in Postgres';
COMMENT ON COLUMN galcat_tap.published.schema_name IS 'Schema in ADQL [-]';
COMMENT ON COLUMN galcat_tap.published.table_name IS 'Name in ADQL, with its schema [-]';
COMMENT ON COLUMN galcat_tap.published.name IS 'Name in ADQL, without the schema [-]';
COMMENT ON COLUMN galcat_tap.published.stored_schema IS 'Schema in Postgres [-]';
COMMENT ON COLUMN galcat_tap.published.stored_name IS 'Name in Postgres [-]';
COMMENT ON COLUMN galcat_tap.published.table_index IS 'Place among all tables, from 0 [-]';
COMMENT ON COLUMN galcat_tap.published.is_standard IS 'True where a standard defines its columns [-]';
COMMENT ON COLUMN galcat_tap.published.relation IS 'The relation itself [-]';

CREATE OR REPLACE VIEW tap_schema.schemas AS
SELECT s.schema_name, NULL::text AS utype, obj_description(to_regnamespace(s.schema_name), 'pg_namespace') AS description,
    s.schema_index
FROM (VALUES ('galcat', 0), ('ivoa', 1), ('tap_schema', 2)) AS s (schema_name, schema_index);

CREATE OR REPLACE VIEW tap_schema.tables AS
SELECT p.schema_name, p.table_name, CASE WHEN c.relkind = 'v' THEN 'view' ELSE 'table' END AS table_type,
    CASE p.table_name WHEN 'ivoa.obscore' THEN 'ivo://ivoa.net/std/ObsCore#core-1.1' END AS utype,
    obj_description(c.oid, 'pg_class') AS description, p.table_index
FROM galcat_tap.published AS p
JOIN pg_class AS c ON c.oid = p.relation;

CREATE OR REPLACE VIEW tap_schema.columns AS
WITH described AS (
    SELECT p.table_name, p.is_standard, a.attname::text AS name, a.attnum, format_type(a.atttypid, NULL) AS type,
        col_description(a.attrelid, a.attnum) AS comment,
        -- What tasks add stands behind the vector.
        p.name = 'galaxy' AND a.attnum > (SELECT s.attnum FROM pg_attribute AS s
            WHERE s.attrelid = p.relation AND s.attname = 'search') AS is_of_a_task
    FROM galcat_tap.published AS p
    JOIN pg_attribute AS a ON a.attrelid = p.relation AND a.attnum > 0 AND NOT a.attisdropped
    WHERE NOT (p.name = 'galaxy' AND a.attname = 'search') -- embedding has it
)
SELECT
    d.table_name,
    CASE d.name WHEN 'size' THEN '"size"' ELSE d.name END AS column_name, -- as a query must write it
    CASE regexp_replace(d.type, '\[\]$', '')
        WHEN 'bigint' THEN 'long' WHEN 'integer' THEN 'int' WHEN 'smallint' THEN 'short'
        WHEN 'real' THEN 'float' WHEN 'double precision' THEN 'double' WHEN 'boolean' THEN 'boolean'
        -- Words of people and names of surveys may hold any letter; char is ASCII to the usual clients.
        WHEN 'text' THEN CASE WHEN d.name IN ('description', 'question', 'survey_source_id') THEN 'unicodeChar' ELSE 'char' END
        WHEN 'timestamp without time zone' THEN 'char'
    END AS datatype,
    CASE WHEN d.type LIKE '%[]' OR d.type IN ('text', 'timestamp without time zone')
        THEN coalesce(n.arraysize, '*') END AS arraysize,
    CASE d.type WHEN 'timestamp without time zone' THEN 'timestamp' ELSE n.xtype END AS xtype,
    n.arraysize::integer AS size,
    regexp_replace(d.comment, ' \[[^]]+\]$', '') AS description,
    n.utype,
    nullif(nullif(substring(d.comment FROM ' \[([^]]+)\]$'), '-'), '1') AS unit,
    CASE WHEN NOT d.is_of_a_task THEN n.ucd
        WHEN d.name LIKE '%\_probability' THEN 'stat.probability;src.class'
        WHEN d.name LIKE '%\_uncertainty' THEN 'stat.stdev'
        ELSE 'stat.value' END AS ucd,
    coalesce(n.is_indexed, false)::integer AS indexed,
    (d.is_of_a_task OR coalesce(n.is_principal, false))::integer AS principal,
    d.is_standard::integer AS std,
    (row_number() OVER (PARTITION BY d.table_name ORDER BY d.attnum) - 1)::integer AS column_index
FROM described AS d
LEFT JOIN galcat_tap.column_note AS n ON n.table_name = d.table_name AND n.column_name = d.name;

CREATE OR REPLACE VIEW tap_schema.key_columns AS
SELECT k.key_id, k.from_column, k.target_column
FROM (VALUES
    ('galaxy_survey', 'survey', 'name'),
    ('galaxy_tile', 'survey', 'survey'),
    ('galaxy_tile', 'tile', 'name'),
    ('embedding_galaxy', 'object_id', 'object_id'),
    ('embedding_release', 'release', 'name'),
    ('tile_survey', 'survey', 'name'),
    ('skipped_row_tile', 'survey', 'survey'),
    ('skipped_row_tile', 'tile', 'name'),
    ('label_task', 'task', 'name'),
    ('label_galaxy', 'object_id', 'object_id'),
    ('obscore_tile', 'obs_collection', 'survey'),
    ('obscore_tile', 'obs_id', 'name'),
    ('tables_schemas', 'schema_name', 'schema_name'),
    ('columns_tables', 'table_name', 'table_name'),
    ('keys_from_tables', 'from_table', 'table_name'),
    ('keys_target_tables', 'target_table', 'table_name'),
    ('key_columns_keys', 'key_id', 'key_id')
) AS k (key_id, from_column, target_column);

CREATE OR REPLACE VIEW tap_schema.keys AS
SELECT k.key_id, k.from_table, k.target_table, k.description, NULL::text AS utype
FROM (VALUES
    ('galaxy_survey', 'galcat.galaxy', 'galcat.survey', 'The survey a galaxy comes from'),
    ('galaxy_tile', 'galcat.galaxy', 'galcat.tile', 'The tile a galaxy was cut from'),
    ('embedding_galaxy', 'galcat.embedding', 'galcat.galaxy', 'The galaxy that a representation is of'),
    ('embedding_release', 'galcat.embedding', 'galcat.release', 'The release that made a representation'),
    ('tile_survey', 'galcat.tile', 'galcat.survey', 'The survey a tile belongs to'),
    ('skipped_row_tile', 'galcat.skipped_row', 'galcat.tile', 'The tile a source was skipped in'),
    ('label_task', 'galcat.label', 'galcat.task', 'The task that an answer is to'),
    ('label_galaxy', 'galcat.label', 'galcat.galaxy', 'The galaxy that an answer is of'),
    ('obscore_tile', 'ivoa.obscore', 'galcat.tile', 'The tile that an observation is'),
    ('tables_schemas', 'tap_schema.tables', 'tap_schema.schemas', 'The schema a table belongs to'),
    ('columns_tables', 'tap_schema.columns', 'tap_schema.tables', 'The table a column belongs to'),
    ('keys_from_tables', 'tap_schema.keys', 'tap_schema.tables', 'The table that a foreign key is in'),
    ('keys_target_tables', 'tap_schema.keys', 'tap_schema.tables', 'The table that a foreign key points to'),
    ('key_columns_keys', 'tap_schema.key_columns', 'tap_schema.keys', 'The foreign key that a column belongs to')
) AS k (key_id, from_table, target_table, description);

ALTER VIEW tap_schema.schemas OWNER TO galcat_owner;
ALTER VIEW tap_schema.tables OWNER TO galcat_owner;
ALTER VIEW tap_schema.columns OWNER TO galcat_owner;
ALTER VIEW tap_schema.keys OWNER TO galcat_owner;
ALTER VIEW tap_schema.key_columns OWNER TO galcat_owner;

COMMENT ON VIEW tap_schema.schemas IS 'The schemas of this service';
COMMENT ON COLUMN tap_schema.schemas.schema_name IS 'Name of the schema [-]';
COMMENT ON COLUMN tap_schema.schemas.utype IS 'Its role in a data model [-]';
COMMENT ON COLUMN tap_schema.schemas.description IS 'What it holds [-]';
COMMENT ON COLUMN tap_schema.schemas.schema_index IS 'Place in a list, from 0 [-]';
COMMENT ON VIEW tap_schema.tables IS 'The tables of this service';
COMMENT ON COLUMN tap_schema.tables.schema_name IS 'Schema the table belongs to [-]';
COMMENT ON COLUMN tap_schema.tables.table_name IS 'Name of the table, with its schema [-]';
COMMENT ON COLUMN tap_schema.tables.table_type IS 'table or view [-]';
COMMENT ON COLUMN tap_schema.tables.utype IS 'Its role in a data model [-]';
COMMENT ON COLUMN tap_schema.tables.description IS 'What a row of it is [-]';
COMMENT ON COLUMN tap_schema.tables.table_index IS 'Place in a list, from 0 [-]';
COMMENT ON VIEW tap_schema.columns IS 'The columns of all tables of this service';
COMMENT ON COLUMN tap_schema.columns.table_name IS 'Table the column belongs to, with its schema [-]';
COMMENT ON COLUMN tap_schema.columns.column_name IS 'Name of the column, as a query writes it [-]';
COMMENT ON COLUMN tap_schema.columns.datatype IS 'Type of its values, of VOTable [-]';
COMMENT ON COLUMN tap_schema.columns.arraysize IS 'Length of arrays and texts, * where it varies; NULL of a single number [-]';
COMMENT ON COLUMN tap_schema.columns.xtype IS 'What its values stand for, where the type does not tell [-]';
COMMENT ON COLUMN tap_schema.columns.size IS 'Length of arrays that all have the same; arraysize says more [-]';
COMMENT ON COLUMN tap_schema.columns.description IS 'What it means [-]';
COMMENT ON COLUMN tap_schema.columns.utype IS 'Its role in a data model [-]';
COMMENT ON COLUMN tap_schema.columns.unit IS 'Its unit, in VOUnits [-]';
COMMENT ON COLUMN tap_schema.columns.ucd IS 'What kind of quantity it is: UCD1+ [-]';
COMMENT ON COLUMN tap_schema.columns.indexed IS '1 where a condition on it is fast, else 0 [-]';
COMMENT ON COLUMN tap_schema.columns.principal IS '1 where it belongs to a first look, else 0 [-]';
COMMENT ON COLUMN tap_schema.columns.std IS '1 where a standard defines it, else 0 [-]';
COMMENT ON COLUMN tap_schema.columns.column_index IS 'Place in its table, from 0 [-]';
COMMENT ON VIEW tap_schema.keys IS 'The foreign keys between tables of this service';
COMMENT ON COLUMN tap_schema.keys.key_id IS 'Name of the foreign key [-]';
COMMENT ON COLUMN tap_schema.keys.from_table IS 'Table that it is in, with its schema [-]';
COMMENT ON COLUMN tap_schema.keys.target_table IS 'Table that it points to, with its schema [-]';
COMMENT ON COLUMN tap_schema.keys.description IS 'What it means [-]';
COMMENT ON COLUMN tap_schema.keys.utype IS 'Its role in a data model [-]';
COMMENT ON VIEW tap_schema.key_columns IS 'The columns that make up foreign keys';
COMMENT ON COLUMN tap_schema.key_columns.key_id IS 'Name of the foreign key [-]';
COMMENT ON COLUMN tap_schema.key_columns.from_column IS 'Column of the table that it is in [-]';
COMMENT ON COLUMN tap_schema.key_columns.target_column IS 'Column of the table that it points to [-]';

DELETE FROM galcat_tap.column_note WHERE table_name LIKE 'tap\_schema.%';
INSERT INTO galcat_tap.column_note (table_name, column_name, is_principal)
SELECT p.table_name, a.attname, a.attname NOT IN ('utype', 'size')
FROM galcat_tap.published AS p JOIN pg_attribute AS a ON a.attrelid = p.relation AND a.attnum > 0
WHERE p.schema_name = 'tap_schema';
