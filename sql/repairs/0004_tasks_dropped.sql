-- A catalogue with the first text of migrations/0004_tasks.sql becomes one with the text that stands.

ALTER TABLE galcat.task ADD COLUMN is_dropped boolean NOT NULL DEFAULT false;
ALTER TABLE galcat.task ADD CHECK (array_position(classes, NULL) IS NULL
    AND array_to_string(classes, ',') ~ '^([a-z][a-z0-9_]*(,[a-z][a-z0-9_]*)*)?$'
    AND cardinality(string_to_array(array_to_string(classes, ','), ',')) = cardinality(classes));

ALTER TABLE galcat.interest_round ALTER COLUMN release_id DROP NOT NULL;
ALTER TABLE galcat.interest_round DROP CONSTRAINT interest_round_release_id_fkey;
ALTER TABLE galcat.interest_round ADD FOREIGN KEY (release_id) REFERENCES galcat.release ON DELETE SET NULL;

DROP FUNCTION IF EXISTS galcat.describe_columns(); -- the one that took its place has an argument
REVOKE ALL ON galcat.label, galcat.tag FROM galcat_labeller; -- what each may is granted again, by columns
REVOKE UPDATE, DELETE ON galcat.task FROM galcat_writer;
