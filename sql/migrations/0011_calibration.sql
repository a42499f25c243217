-- Vote fractions calibrated to a survey: by which parameters, and what the network itself had said.

CREATE TABLE galcat.calibration (
    release_id smallint NOT NULL REFERENCES galcat.release ON DELETE CASCADE,
    survey_id smallint NOT NULL REFERENCES galcat.survey,
    question text NOT NULL,
    temperature double precision NOT NULL CHECK (temperature > 0 AND temperature < 'Infinity'),
    shifts double precision[] NOT NULL,
    report jsonb NOT NULL,
    votes_file text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (release_id, survey_id, question)
);

ALTER TABLE galcat.morphology ADD COLUMN network_posterior real[]; -- NULL where the fractions are the network's own
