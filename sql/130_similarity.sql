-- Galaxies that look alike: Euclidean distance between 40-d search vectors; two random galaxies are about 1 apart.

-- plpgsql on purpose: an unknown id is an error, not an empty answer. Below it stands in a sub-select, which is
-- evaluated once; without, a scan without the index would ask for the vector again in every row.
CREATE OR REPLACE FUNCTION galcat.vector_of(id bigint)
RETURNS public.halfvec LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    found_vector public.halfvec;
BEGIN
    SELECT g.search INTO found_vector FROM galcat.galaxy AS g WHERE g.object_id = id;
    IF found_vector IS NULL THEN
        RAISE EXCEPTION 'no galaxy has object_id %', id USING ERRCODE = 'no_data_found';
    END IF;
    RETURN found_vector;
END
$$;
COMMENT ON FUNCTION galcat.vector_of IS
    'Search vector of a galaxy: ORDER BY search <-> (SELECT galcat.vector_of(123)) LIMIT 20; in brackets it is looked up once, whatever the plan. An unknown id is an error.';

CREATE OR REPLACE FUNCTION galcat.neighbours(id bigint)
RETURNS TABLE (object_id bigint, distance double precision) LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT e.object_id, e.search OPERATOR(public.<->) (SELECT galcat.vector_of(id))
    FROM galcat.embedding AS e
    WHERE e.release_id = (SELECT galcat.current_release());
END;
COMMENT ON FUNCTION galcat.neighbours IS
    'Every galaxy with its distance from this one (itself at 0). Add ORDER BY distance LIMIT n: filters and limit outside combine with the vector index.';

CREATE OR REPLACE FUNCTION galcat.similar_to_vector(vector real[], n integer)
RETURNS TABLE (object_id bigint, distance double precision) LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT e.object_id, e.search OPERATOR(public.<->) vector::public.halfvec(40)
    FROM galcat.embedding AS e
    WHERE e.release_id = (SELECT galcat.current_release())
    ORDER BY e.search OPERATOR(public.<->) vector::public.halfvec(40)
    LIMIT n;
END;
COMMENT ON FUNCTION galcat.similar_to_vector IS 'The n galaxies nearest to a 40-d search vector, before any outer filter.';

CREATE OR REPLACE FUNCTION galcat.similar_to(id bigint, n integer)
RETURNS TABLE (object_id bigint, distance double precision) LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT e.object_id, e.search OPERATOR(public.<->) (SELECT galcat.vector_of(id))
    FROM galcat.embedding AS e
    WHERE e.release_id = (SELECT galcat.current_release())
        AND e.object_id <> id
    ORDER BY e.search OPERATOR(public.<->) (SELECT galcat.vector_of(id))
    LIMIT n;
END;
COMMENT ON FUNCTION galcat.similar_to IS
    'The n galaxies most similar to this one, without itself, BEFORE outer filters act: to filter first, use neighbours().';

CREATE OR REPLACE FUNCTION galcat.morph_distance(a bigint, b bigint)
RETURNS double precision LANGUAGE sql STABLE PARALLEL SAFE
RETURN galcat.vector_of(a) OPERATOR(public.<->) galcat.vector_of(b);
COMMENT ON FUNCTION galcat.morph_distance IS
    'How unlike two galaxies look; two random ones are about 1 apart. For SELECT lists and a few rows, not for ORDER BY over a catalogue.';
