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
