-- A catalogue with the first text of migrations/0005_tap.sql becomes one with the text that stands. The
-- service that wrote jobs came with the new text: a job of before has no address, so it is known under none.

ALTER TABLE galcat_tap.job DROP COLUMN backend_pid;
ALTER TABLE galcat_tap.job ADD COLUMN base_url text NOT NULL DEFAULT '';
ALTER TABLE galcat_tap.job ALTER COLUMN base_url DROP DEFAULT;
ALTER TABLE galcat_tap.job ADD COLUMN tries integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN galcat_tap.job.base_url IS 'Of the service, as the client that made it knows it [-]';
COMMENT ON COLUMN galcat_tap.job.tries IS 'How often it began to run: a service that ends meanwhile lets it begin again [-]';
