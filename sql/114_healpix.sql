-- HEALPix cells (Gorski et al. 2005), nested, and regions of them. Stored positions have theirs: source.healpix29.

CREATE OR REPLACE FUNCTION galcat.spread_bits(bits bigint)
RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
-- A zero after each of 29 bits: halves, then halves of halves, are moved apart.
BEGIN
    bits := (bits | (bits << 16)) & x'0000FFFF0000FFFF'::bigint;
    bits := (bits | (bits << 8)) & x'00FF00FF00FF00FF'::bigint;
    bits := (bits | (bits << 4)) & x'0F0F0F0F0F0F0F0F'::bigint;
    bits := (bits | (bits << 2)) & x'3333333333333333'::bigint;
    RETURN (bits | (bits << 1)) & x'5555555555555555'::bigint;
END
$$;
COMMENT ON FUNCTION galcat.spread_bits IS 'A number with a zero put after each of its 29 bits. Part of healpix_of().';

CREATE OR REPLACE FUNCTION galcat.healpix_of(ra double precision, "dec" double precision, cell_order integer)
RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    nside CONSTANT bigint := 1::bigint << greatest(0, least(29, cell_order));
    z double precision;
    turns double precision; -- quarters of a turn, 0 <= turns < 4
    quarter integer;
    width double precision;
    rising bigint;
    falling bigint;
    face bigint;
    x bigint;
    y bigint;
BEGIN
    IF NOT (ra >= -360 AND ra <= 720) THEN
        RAISE EXCEPTION 'healpix_of: right ascension % is not between -360 and 720 degrees', ra USING ERRCODE = '22023';
    ELSIF NOT (dec >= -90 AND dec <= 90) THEN
        RAISE EXCEPTION 'healpix_of: declination % is not between -90 and 90 degrees', dec USING ERRCODE = '22023';
    ELSIF NOT (cell_order >= 0 AND cell_order <= 29) THEN
        RAISE EXCEPTION 'healpix_of: order % is not between 0 and 29', cell_order USING ERRCODE = '22023';
    END IF;
    z := sind(dec);
    ra := CASE WHEN ra < 0 THEN ra + 360 WHEN ra >= 720 THEN ra - 720 WHEN ra >= 360 THEN ra - 360 ELSE ra END;
    turns := CASE WHEN ra >= 360 THEN 0 ELSE ra / 90 END; -- a tiny negative one became 360
    IF abs(z) <= 2.0 / 3 THEN -- the belt: rows of diamonds, numbered along both diagonals
        rising := floor(nside * (0.5 + turns) - nside * z * 0.75);
        falling := floor(nside * (0.5 + turns) + nside * z * 0.75);
        face := CASE
            WHEN rising >> cell_order = falling >> cell_order THEN (rising >> cell_order) | 4
            WHEN rising >> cell_order < falling >> cell_order THEN rising >> cell_order
            ELSE (falling >> cell_order) + 8
        END;
        x := falling & (nside - 1);
        y := nside - 1 - (rising & (nside - 1));
    ELSE -- a cap: nside sqrt(3 (1 - |z|)), of the half angle from the pole, which keeps its digits there
        quarter := least(3, floor(turns));
        width := nside * sqrt(6::double precision) * sind((90 - abs(dec)) / 2);
        rising := least(nside - 1, floor((turns - quarter) * width));
        falling := least(nside - 1, floor((1 - (turns - quarter)) * width));
        face := CASE WHEN z > 0 THEN quarter ELSE quarter + 8 END;
        x := CASE WHEN z > 0 THEN nside - 1 - falling ELSE rising END;
        y := CASE WHEN z > 0 THEN nside - 1 - rising ELSE falling END;
    END IF;
    RETURN (face << (2 * cell_order)) + galcat.spread_bits(x) + 2 * galcat.spread_bits(y);
END
$$;
COMMENT ON FUNCTION galcat.healpix_of IS
    'Nested HEALPix cell of a position in ICRS degrees, order 0 to 29. Of a galaxy, healpix29 >> (2 * (29 - order)) is the same and costs nothing.';

CREATE OR REPLACE FUNCTION galcat.moc_of(cell_order integer, cells bigint[])
RETURNS int8multirange LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    cell bigint;
BEGIN
    IF NOT (cell_order >= 0 AND cell_order <= 29) THEN
        RAISE EXCEPTION 'moc_of: order % is not between 0 and 29', cell_order USING ERRCODE = '22023';
    END IF;
    FOREACH cell IN ARRAY cells LOOP
        IF NOT coalesce(cell >= 0 AND cell < 12::bigint << (2 * cell_order), false) THEN
            RAISE EXCEPTION 'moc_of: order % has no cell %', cell_order, coalesce(cell::text, 'NULL') USING ERRCODE = '22023';
        END IF;
    END LOOP;
    RETURN coalesce(
        (SELECT range_agg(int8range(c << (2 * (29 - cell_order)), (c + 1) << (2 * (29 - cell_order)))) FROM unnest(cells) AS c),
        '{}');
END
$$;
COMMENT ON FUNCTION galcat.moc_of IS
    'The region of nested HEALPix cells of one order, as ranges of order 29; regions add by +, cut by * and -. For in_moc().';

CREATE OR REPLACE FUNCTION galcat.in_moc(healpix29 bigint, moc int8multirange)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN healpix29 >= lower(moc) AND healpix29 < upper(moc) AND healpix29 <@ moc;
COMMENT ON FUNCTION galcat.in_moc IS
    'True where a nested HEALPix index of order 29 lies in a region of them (a multi-order coverage map): {[0,8192),[16384,24576)} or moc_of(order, cells). Uses the HEALPix index between the first and the last cell.';
