-- A tile lies on the sky or has no position. NaN is above every number, so it is refused too.

ALTER TABLE galcat.tile ADD CONSTRAINT tile_on_sky CHECK (
    (ra IS NULL) = (dec IS NULL) AND ra >= 0 AND ra < 360 AND dec >= -90 AND dec <= 90
) NOT VALID; -- a row of before that breaks it stays, and galcat check names it

DO $$
BEGIN
    ALTER TABLE galcat.tile VALIDATE CONSTRAINT tile_on_sky;
EXCEPTION WHEN check_violation THEN
    NULL;
END
$$;
