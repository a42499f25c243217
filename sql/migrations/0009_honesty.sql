-- What says of a galaxy whether the encoder can judge it, and of a release how well it does on real galaxies.

ALTER TABLE galcat.morphology ADD COLUMN framing_flag smallint; -- NULL for rows written before this column
ALTER TABLE galcat.morphology ADD COLUMN domain_distance real; -- NULL where the release has no sample to measure from
ALTER TABLE galcat.release ADD COLUMN measured jsonb;
