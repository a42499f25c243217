-- Vote fractions recalibrated to a survey: log alpha of each answer becomes temperature * log alpha + its shift.
-- The calibrated numbers are stored, so that a condition on a fraction keeps its index; what the network said is kept
-- beside them (docs/calibration.md has the measurement that decided it).

CREATE OR REPLACE FUNCTION galcat.calibration_update(release smallint, survey smallint)
RETURNS text LANGUAGE plpgsql STABLE SET search_path = '' AS $$
DECLARE
    posterior text[] := (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute AS a
        WHERE a.attrelid = 'galcat.morphology'::regclass AND (a.attname LIKE '%\_fraction' OR a.attname LIKE '%\_concentration'));
    set_columns text[] := '{}';
    alphas text[] := '{}';
    values_of text[] := '{}';
    answers text[];
    total text;
    of_question record;
BEGIN
    FOR of_question IN
        SELECT c.question, c.temperature, c.shifts FROM galcat.calibration AS c
        WHERE c.release_id = release AND c.survey_id = survey ORDER BY c.question
    LOOP
        answers := (SELECT array_agg(p.name ORDER BY p.i) FROM unnest(posterior) WITH ORDINALITY AS p (name, i)
            WHERE p.name LIKE '%\_fraction' AND starts_with(p.name, of_question.question || '_'));
        IF cardinality(answers) IS DISTINCT FROM cardinality(of_question.shifts) THEN
            RAISE EXCEPTION 'calibration of %: % shifts for % answers', of_question.question,
                cardinality(of_question.shifts), coalesce(cardinality(answers), 0) USING ERRCODE = '22023';
        END IF;
        FOR i IN 1..cardinality(answers) LOOP
            alphas := alphas || format('exp(greatest(-4, least(8, %s::float8 * ln(greatest(1e-6, r.said[%s]::float8 * r.said[%s])) + %s::float8))) AS %I',
                of_question.temperature, array_position(posterior, answers[i]),
                array_position(posterior, of_question.question || '_concentration'), of_question.shifts[i], answers[i]);
            set_columns := set_columns || quote_ident(answers[i]);
        END LOOP;
        total := '(' || (SELECT string_agg(format('a.%I', n), ' + ') FROM unnest(answers) AS n) || ')';
        values_of := values_of || (SELECT array_agg(format('(a.%I / %s)::real', n, total) ORDER BY i)
            FROM unnest(answers) WITH ORDINALITY AS u (n, i)) || (total || '::real');
        set_columns := set_columns || quote_ident(of_question.question || '_concentration');
    END LOOP;
    IF cardinality(alphas) = 0 THEN
        RETURN NULL;
    END IF;
    -- Materialised, or each alpha would be computed once for every sum that it is in.
    RETURN format(
        'WITH raw AS MATERIALIZED (SELECT m.object_id, coalesce(m.network_posterior, ARRAY[%1$s]) AS said '
        'FROM galcat.morphology AS m JOIN galcat.source AS s USING (object_id) '
        'WHERE m.release_id = %2$s AND s.survey_id = %3$s AND ($1 IS NULL OR m.object_id = ANY ($1))), '
        'alpha AS MATERIALIZED (SELECT r.object_id, r.said, %4$s FROM raw AS r) '
        'UPDATE galcat.morphology AS m SET (network_posterior, %5$s) = ROW (a.said, %6$s) '
        'FROM alpha AS a WHERE m.object_id = a.object_id AND m.release_id = %2$s',
        (SELECT string_agg(format('m.%I', n), ', ' ORDER BY i) FROM unnest(posterior) WITH ORDINALITY AS u (n, i)),
        release, survey, array_to_string(alphas, ', '), array_to_string(set_columns, ', '), array_to_string(values_of, ', '));
END
$$;
COMMENT ON FUNCTION galcat.calibration_update IS
    'The UPDATE that calibrates the galaxies of a survey, or those of its parameter $1; NULL without a calibration. Part of apply_calibration().';

CREATE OR REPLACE FUNCTION galcat.restore_network_posterior(release smallint, survey smallint)
RETURNS bigint LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
DECLARE
    restored bigint;
BEGIN
    EXECUTE (
        SELECT format('UPDATE galcat.morphology AS m SET (network_posterior, %s) = ROW (NULL::real[], %s) FROM galcat.source AS s '
            'WHERE s.object_id = m.object_id AND s.survey_id = %s AND m.release_id = %s AND m.network_posterior IS NOT NULL',
            string_agg(quote_ident(c.name), ', ' ORDER BY c.i), string_agg(format('m.network_posterior[%s]', c.i), ', ' ORDER BY c.i),
            survey, release)
        FROM (SELECT a.attname AS name, row_number() OVER (ORDER BY a.attnum) AS i FROM pg_attribute AS a
            WHERE a.attrelid = 'galcat.morphology'::regclass
                AND (a.attname LIKE '%\_fraction' OR a.attname LIKE '%\_concentration')) AS c);
    GET DIAGNOSTICS restored = ROW_COUNT;
    RETURN restored;
END
$$;
COMMENT ON FUNCTION galcat.restore_network_posterior IS
    'Gives the galaxies of a survey the posterior back that the network had said, bit by bit. Owner only.';

CREATE OR REPLACE FUNCTION galcat.apply_calibration(release smallint, survey smallint)
RETURNS bigint LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
DECLARE
    statement text := galcat.calibration_update(release, survey);
    changed bigint;
BEGIN
    PERFORM galcat.restore_network_posterior(release, survey);
    IF statement IS NULL THEN
        RETURN 0;
    END IF;
    EXECUTE statement USING NULL::bigint[];
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION galcat.apply_calibration IS
    'Calibrates every galaxy of a survey anew from what the network said; returns galaxies. Owner only.';

CREATE OR REPLACE FUNCTION galcat.calibrate_written(release smallint, survey smallint, ids bigint[])
RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
DECLARE
    statement text := galcat.calibration_update(release, survey);
BEGIN
    -- What was kept beside a row is of its former picture.
    UPDATE galcat.morphology AS m SET network_posterior = NULL
    WHERE m.release_id = release AND m.object_id = ANY (ids) AND m.network_posterior IS NOT NULL;
    IF statement IS NOT NULL THEN
        EXECUTE statement USING ids;
    END IF;
END
$$;
COMMENT ON FUNCTION galcat.calibrate_written IS
    'Calibrates galaxies whose posterior the encoder has just written, where their survey has a calibration. Part of write_tile.';

CREATE OR REPLACE FUNCTION galcat.calibrated_text(question text)
RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT 'calibrated to volunteers'' votes in ' || string_agg(v.name, ', ' ORDER BY v.name)
    FROM galcat.calibration AS c
    JOIN galcat.survey AS v ON v.survey_id = c.survey_id
    WHERE c.question = calibrated_text.question
        AND c.release_id = (SELECT galcat.current_release());
END;
COMMENT ON FUNCTION galcat.calibrated_text IS
    'In which surveys the fractions of a question are calibrated, in the current release: a phrase for comments, or NULL.';
