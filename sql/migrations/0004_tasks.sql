-- Questions that people ask of galaxies, what they answered, and what a model makes of it.

CREATE TABLE galcat.task (
    task_id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name ~ '^[a-z][a-z0-9_]*$' AND length(name) <= 30),
    question text NOT NULL CHECK (question ~ '\S'),
    kind text NOT NULL CHECK (kind IN ('binary', 'classes', 'interest')),
    classes text[] NOT NULL,
    owner text NOT NULL DEFAULT current_user,
    has_column boolean NOT NULL DEFAULT false,
    is_dropped boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    CHECK (CASE kind WHEN 'binary' THEN cardinality(classes) = 2 WHEN 'classes' THEN cardinality(classes) > 2
        ELSE cardinality(classes) = 0 END),
    CHECK (array_position(classes, NULL) IS NULL
        AND array_to_string(classes, ',') ~ '^([a-z][a-z0-9_]*(,[a-z][a-z0-9_]*)*)?$'
        AND cardinality(string_to_array(array_to_string(classes, ','), ',')) = cardinality(classes))
);

-- History: what a person said stays, and what the person says later counts.
CREATE TABLE galcat.label (
    label_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task text NOT NULL REFERENCES galcat.task (name),
    object_id bigint NOT NULL REFERENCES galcat.source,
    answer text,
    rating real CHECK (rating >= 0 AND rating <= 5), -- NaN is above every number, so it is refused
    labeller text NOT NULL DEFAULT current_user CHECK (labeller ~ '\S'),
    labelled_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    origin text NOT NULL DEFAULT 'sql',
    CHECK (answer IS NULL OR rating IS NULL)
);
CREATE INDEX label_latest ON galcat.label (task, object_id, labeller, label_id DESC);
CREATE INDEX label_object ON galcat.label (object_id);

CREATE TABLE galcat.tag (
    tag_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    object_id bigint NOT NULL REFERENCES galcat.source,
    tag text NOT NULL CHECK (tag ~ '^[[:alnum:]][[:alnum:]_-]*$'),
    is_withdrawn boolean NOT NULL DEFAULT false,
    labeller text NOT NULL DEFAULT current_user CHECK (labeller ~ '\S'),
    labelled_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    origin text NOT NULL DEFAULT 'sql'
);
CREATE INDEX tag_latest ON galcat.tag (tag, object_id, labeller, tag_id DESC);
CREATE INDEX tag_object ON galcat.tag (object_id);

CREATE TABLE galcat.task_version (
    version_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task text NOT NULL REFERENCES galcat.task (name),
    release_id smallint NOT NULL REFERENCES galcat.release ON DELETE CASCADE,
    version integer NOT NULL CHECK (version > 0),
    method text NOT NULL CHECK (method IN ('head', 'deep', 'interest')),
    labels_seen bigint NOT NULL,
    model bytea NOT NULL,
    report jsonb NOT NULL,
    is_current boolean NOT NULL DEFAULT false,
    refused text,
    made_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    UNIQUE (task, release_id, version),
    CHECK (NOT is_current OR refused IS NULL)
);
CREATE UNIQUE INDEX task_version_current ON galcat.task_version (task, release_id) WHERE is_current;

CREATE TABLE galcat.interest_round (
    task text NOT NULL REFERENCES galcat.task (name),
    round integer NOT NULL CHECK (round > 0),
    release_id smallint REFERENCES galcat.release ON DELETE SET NULL, -- the history outlives the vectors
    labels_seen bigint NOT NULL,
    ratings integer NOT NULL,
    model bytea, -- none before the first ratings
    made_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (task, round)
);

CREATE TABLE galcat.interest_offer (
    task text NOT NULL,
    round integer NOT NULL,
    place smallint NOT NULL CHECK (place > 0),
    object_id bigint NOT NULL REFERENCES galcat.source,
    expected_improvement real,
    interest real,
    uncertainty real,
    PRIMARY KEY (task, round, place),
    UNIQUE (task, round, object_id),
    FOREIGN KEY (task, round) REFERENCES galcat.interest_round ON DELETE CASCADE
);

CREATE TABLE galcat.interest_top (
    task text NOT NULL,
    round integer NOT NULL,
    place integer NOT NULL CHECK (place > 0),
    object_id bigint NOT NULL,
    interest real NOT NULL,
    uncertainty real NOT NULL,
    PRIMARY KEY (task, round, place),
    FOREIGN KEY (task, round) REFERENCES galcat.interest_round ON DELETE CASCADE
);
CREATE INDEX interest_top_object ON galcat.interest_top (task, object_id);

-- How strange a galaxy is, against a reference that is frozen with the release.
ALTER TABLE galcat.release ADD COLUMN anomaly_reference bytea;
ALTER TABLE galcat.morphology ADD COLUMN anomaly_score real CHECK (anomaly_score >= 0 AND anomaly_score <= 1);
