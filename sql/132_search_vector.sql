-- Vectors from outside: numbers of a user, as the vector that galaxies are compared by.

CREATE OR REPLACE FUNCTION galcat.search_vector(numbers real[], release text DEFAULT NULL)
RETURNS public.halfvec LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
#variable_conflict use_variable
DECLARE
    n CONSTANT integer := cardinality(numbers);
    shown record;
    components real[];
    scale real;
    centred public.vector;
    wrong integer;
BEGIN
    IF numbers IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT i INTO wrong FROM unnest(numbers) WITH ORDINALITY AS v (x, i)
    WHERE x IS NULL OR x IN ('NaN', 'Infinity', '-Infinity') ORDER BY i LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'morph_distance: number % of % is %, not a finite number', wrong, n, coalesce(numbers[wrong]::text, 'NULL')
            USING ERRCODE = '22023';
    END IF;
    SELECT r.release_id, r.name, r.dimension INTO shown FROM galcat.release AS r WHERE r.is_current;
    IF shown.name IS NULL THEN
        RAISE EXCEPTION 'morph_distance: no release is registered, nothing can be compared' USING ERRCODE = '22023';
    ELSIF release <> shown.name AND EXISTS (SELECT FROM galcat.release AS r WHERE r.name = release) THEN
        RAISE EXCEPTION 'morph_distance: vectors of release % cannot be compared with those of %, the current one',
            release, shown.name USING ERRCODE = '22023';
    ELSIF release <> shown.name THEN
        RAISE EXCEPTION 'morph_distance: no release is called %; the current one is %', release, shown.name
            USING ERRCODE = '22023';
    ELSIF n = 40 AND (release IS NULL OR shown.dimension <> 40) THEN
        RETURN numbers::public.halfvec(40);
    ELSIF release IS NULL THEN
        RAISE EXCEPTION 'morph_distance: % numbers without the name of a release: expected 40, or % and the name %',
            n, shown.dimension, shown.name USING ERRCODE = '22023';
    ELSIF n <> shown.dimension THEN
        RAISE EXCEPTION 'morph_distance: % numbers: expected 40, or the % of release %', n, shown.dimension, shown.name
            USING ERRCODE = '22023';
    END IF;
    -- A variable holds the components read out once; each slice of a column would read them again.
    SELECT r.projection_components || '{}'::real[], r.projection_scale,
        numbers::public.vector OPERATOR(public.-) r.projection_mean::public.vector
    INTO components, scale, centred FROM galcat.release AS r WHERE r.release_id = shown.release_id;
    RETURN (
        SELECT array_agg(scale * public.inner_product(centred, components[i * n + 1:(i + 1) * n]::public.vector) ORDER BY i)
        FROM generate_series(0, 39) AS i)::public.halfvec(40);
END
$$;
COMMENT ON FUNCTION galcat.search_vector IS
    'Numbers as a search vector: 40 as they are; with the current release''s name also its full width, projected. Anything else is an error.';
