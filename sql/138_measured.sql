-- What the vote fractions of the current release are worth on real galaxies: the figures that came with its weights.

CREATE OR REPLACE FUNCTION galcat.measured_text(question text)
RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN f.figures IS NULL THEN 'not measured on real galaxies'
        ELSE 'on ' || (r.measured ->> 'sample') || ' the mean error of this question was '
            || round((f.figures ->> 'error_over_constant')::numeric, 2) || ' times that of a constant'
            || coalesce(', and 90 % intervals covered ' || round((f.figures ->> 'coverage_90')::numeric, 2), '') END
    FROM galcat.release AS r, LATERAL (SELECT r.measured -> 'questions' -> question AS figures) AS f
    WHERE r.release_id = (SELECT galcat.current_release());
END;
COMMENT ON FUNCTION galcat.measured_text IS
    'How the fractions of one question did on real galaxies, in the current release: a phrase for comments.';

CREATE OR REPLACE FUNCTION galcat.measured_summary()
RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT 'vote fractions of release ' || r.name || CASE WHEN r.measured IS NULL THEN
            ' were not measured on real galaxies'
        ELSE ' were measured on ' || (r.measured ->> 'sample') || ': mean error over that of a constant '
            || (SELECT string_agg(q.key || ' ' || round((q.value ->> 'error_over_constant')::numeric, 2), ', ' ORDER BY a.attnum)
                FROM jsonb_each(r.measured -> 'questions') AS q
                JOIN pg_catalog.pg_attribute AS a ON a.attrelid = 'galcat.morphology'::regclass
                    AND a.attname = q.key || '_concentration')
            || '; above 1 a constant is nearer to the votes' END
    FROM galcat.release AS r WHERE r.release_id = (SELECT galcat.current_release());
END;
COMMENT ON FUNCTION galcat.measured_summary IS
    'How the vote fractions of the current release did on real galaxies, in a sentence; no row without a release.';
