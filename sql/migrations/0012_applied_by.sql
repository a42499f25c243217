-- Which version of galcat ran a file last: an older one does not undo what a newer one has made.

ALTER TABLE galcat.schema_history ADD COLUMN applied_by text; -- NULL for rows written before this column
