-- Which picture a vector is of, so that a galaxy is written again where its picture changed, and only there.

ALTER TABLE galcat.embedding_full ADD COLUMN picture_digest bigint; -- NULL for rows written before this column
