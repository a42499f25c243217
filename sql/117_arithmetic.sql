-- What ADQL's MOD and BETWEEN become: a function names each operand once, so that nested ones do not double and RAND() is
-- drawn once. In Postgres' own BETWEEN the operand is computed for either end.

CREATE OR REPLACE FUNCTION galcat.mod(x double precision, y double precision)
RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN x - y * trunc(x / y);
COMMENT ON FUNCTION galcat.mod IS
    'Remainder of a division of numbers with a fraction; its sign is that of the dividend. Postgres'' own takes none.';

CREATE OR REPLACE FUNCTION galcat.is_between(x anycompatible, low anycompatible, high anycompatible)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT x >= low AND x <= high
$$;
COMMENT ON FUNCTION galcat.is_between IS 'Whether a value is at least the one and at most the other; the value is computed once.';

-- Texts that a query joins or compares are bounded: a short query can make gigabytes of them, and Postgres listens to
-- nobody while it compares a text with a pattern.

CREATE OR REPLACE FUNCTION galcat.refuse_text(characters bigint, most bigint)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RAISE EXCEPTION 'a text in the query has % characters, % are the most', characters, most USING ERRCODE = '54000';
END
$$;
COMMENT ON FUNCTION galcat.refuse_text IS 'Ends a query that makes too long a text; says how long it is.';

CREATE OR REPLACE FUNCTION galcat.short_text(value text, most integer)
RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN length(value) <= most THEN value ELSE galcat.refuse_text(length(value), most) END
$$;
COMMENT ON FUNCTION galcat.short_text IS 'A text as it is, unless it has more characters than so many: that ends the query.';

CREATE OR REPLACE FUNCTION galcat.join_texts(VARIADIC texts text[])
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = '' AS $$
DECLARE
    characters bigint := 0;
    one text;
BEGIN
    FOREACH one IN ARRAY texts LOOP
        IF one IS NULL THEN
            RETURN NULL;
        END IF;
        characters := characters + length(one);
    END LOOP;
    IF characters > 1000000 THEN
        PERFORM galcat.refuse_text(characters, 1000000);
    END IF;
    RETURN array_to_string(texts, '');
END
$$;
COMMENT ON FUNCTION galcat.join_texts IS
    'Texts joined as || joins them, NULL where one is; more than a million characters end the query.';
