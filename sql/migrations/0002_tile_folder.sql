-- Where a tile's files are, so that another release can be filled from them.

ALTER TABLE galcat.tile ADD COLUMN folder text;
