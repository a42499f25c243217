-- People who log in to the page. Links and sessions are kept as digests: who reads the table cannot use them.

CREATE TABLE galcat_tap.person (
    name text PRIMARY KEY CHECK (name ~ '^[[:alnum:]][[:alnum:]._-]{0,39}$'),
    role text NOT NULL CHECK (role IN ('reader', 'labeller')),
    link_digest bytea UNIQUE, -- none once the link was used
    link_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);

CREATE TABLE galcat_tap.session (
    token_digest bytea PRIMARY KEY,
    person text NOT NULL REFERENCES galcat_tap.person ON DELETE CASCADE,
    ends_at timestamptz NOT NULL
);
CREATE INDEX session_person ON galcat_tap.session (person);
