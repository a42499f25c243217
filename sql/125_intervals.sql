-- How sure a vote fraction is. The posterior of one answer is a beta distribution: of all its question's votes,
-- a part `fraction` of `concentration` speaks for it. Quantiles are computed when they are asked for.

CREATE OR REPLACE FUNCTION galcat.log_gamma(x double precision)
RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
-- Lanczos' approximation with g = 7, right to 1e-13 for x > 0. Postgres has lgamma() only since 18.
RETURN ln(2.5066282746310005) + (x - 0.5) * ln(x + 6.5) - (x + 6.5) + ln(
    0.99999999999980993 + 676.5203681218851 / x - 1259.1392167224028 / (x + 1) + 771.32342877765313 / (x + 2)
    - 176.61502916214059 / (x + 3) + 12.507343278686905 / (x + 4) - 0.13857109526572012 / (x + 5)
    + 9.9843695780195716e-6 / (x + 6) + 1.5056327351493116e-7 / (x + 7));
COMMENT ON FUNCTION galcat.log_gamma IS 'Logarithm of the gamma function, x > 0. Part of fraction_quantile().';

CREATE OR REPLACE FUNCTION galcat.beta_below(x double precision, a double precision, b double precision)
RETURNS double precision LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
-- The incomplete beta function by its continued fraction (Lentz's method; DLMF 8.17.22), from the side where it
-- converges fast.
DECLARE
    tiny CONSTANT double precision := 1e-300;
    front double precision;
    c double precision := 1;
    d double precision;
    answer double precision;
    term double precision;
    change double precision;
BEGIN
    IF x <= 0 THEN
        RETURN 0;
    ELSIF x >= 1 THEN
        RETURN 1;
    ELSIF x > (a + 1) / (a + b + 2) THEN
        RETURN 1 - galcat.beta_below(1 - x, b, a);
    END IF;
    front := galcat.log_gamma(a + b) - galcat.log_gamma(a) - galcat.log_gamma(b) + a * ln(x) + b * ln(1 - x);
    IF front < -700 THEN
        RETURN 0;
    END IF;
    d := 1 / (1 - (a + b) * x / (a + 1));
    answer := d;
    FOR m IN 1..1000 LOOP
        term := m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d := 1 + term * d;
        c := 1 + term / c;
        d := 1 / CASE WHEN abs(d) < tiny THEN tiny ELSE d END;
        c := CASE WHEN abs(c) < tiny THEN tiny ELSE c END;
        answer := answer * d * c;
        term := -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d := 1 + term * d;
        c := 1 + term / c;
        d := 1 / CASE WHEN abs(d) < tiny THEN tiny ELSE d END;
        c := CASE WHEN abs(c) < tiny THEN tiny ELSE c END;
        change := d * c;
        answer := answer * change;
        EXIT WHEN abs(change - 1) < 1e-10;
    END LOOP;
    RETURN exp(front) * answer / a;
END
$$;
COMMENT ON FUNCTION galcat.beta_below IS 'Probability that a beta(a, b) variable is below x. Part of fraction_quantile().';

CREATE OR REPLACE FUNCTION galcat.fraction_quantile(
    fraction double precision, concentration double precision, probability double precision)
RETURNS double precision LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    a CONSTANT double precision := fraction * concentration;
    b CONSTANT double precision := (1 - fraction) * concentration;
    low double precision := 0;
    high double precision := 1;
    x double precision := fraction;
    missing double precision;
    step double precision;
    constant_part double precision;
BEGIN
    -- NaN sorts above every number in Postgres, so these tests refuse it too.
    IF NOT (fraction >= 0 AND fraction <= 1) THEN
        RAISE EXCEPTION 'fraction_quantile: fraction % is not between 0 and 1', fraction USING ERRCODE = '22023';
    ELSIF NOT (concentration > 0 AND concentration < 1e6) THEN
        RAISE EXCEPTION 'fraction_quantile: concentration % is not between 0 and 1e6', concentration USING ERRCODE = '22023';
    ELSIF NOT (probability > 0 AND probability < 1) THEN
        RAISE EXCEPTION 'fraction_quantile: probability % is not between 0 and 1', probability USING ERRCODE = '22023';
    END IF;
    IF a = 0 OR b = 0 THEN
        RETURN fraction;
    END IF;
    constant_part := galcat.log_gamma(a + b) - galcat.log_gamma(a) - galcat.log_gamma(b);
    -- Newton's steps; halving where one leaves what is known to hold the answer.
    FOR i IN 1..60 LOOP
        missing := galcat.beta_below(x, a, b) - probability;
        IF missing > 0 THEN
            high := x;
        ELSE
            low := x;
        END IF;
        step := missing / greatest(exp(greatest(constant_part + (a - 1) * ln(x) + (b - 1) * ln(1 - x), -600)), 1e-250);
        x := CASE WHEN x - step > low AND x - step < high THEN x - step ELSE (low + high) / 2 END;
        EXIT WHEN high - low < 1e-7 OR abs(step) < 1e-7;
    END LOOP;
    RETURN x;
END
$$;
COMMENT ON FUNCTION galcat.fraction_quantile IS
    'Quantile of the posterior of a vote fraction, 0..1: with 0.05 and 0.95 the ends of its 90 % interval. Give a fraction and the concentration of its question; right to 1e-6.';
