-- Which galaxies changed, and in which transaction: so that what was read of them before can be brought up to date.

CREATE TABLE galcat.galaxy_change (
    change_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    -- The number of the transaction: a sequence's numbers are seen in another order than they are given.
    transaction_id bigint NOT NULL DEFAULT pg_catalog.pg_current_xact_id()::text::bigint,
    changed_ids bigint[] -- NULL: more than are listed, any galaxy may have changed
);
CREATE INDEX galaxy_change_transaction_id ON galcat.galaxy_change (transaction_id);
