-- The graph of neighbours: the nearest galaxies of every galaxy, for duplicates, labels that spread, and lists.

CREATE TABLE galcat.neighbour_graph (
    graph_id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    release_id smallint NOT NULL REFERENCES galcat.release ON DELETE CASCADE,
    nearest smallint NOT NULL CHECK (nearest > 0),
    content text NOT NULL, -- digest of the tiles that it was made of
    recall real CHECK (recall BETWEEN 0 AND 1), -- NULL until it is whole
    made_at timestamptz -- likewise
);

CREATE TABLE galcat.neighbour_list (
    graph_id integer NOT NULL REFERENCES galcat.neighbour_graph ON DELETE CASCADE,
    object_id bigint NOT NULL,
    neighbours bigint[] NOT NULL,
    distances real[] NOT NULL,
    PRIMARY KEY (graph_id, object_id),
    CHECK (cardinality(neighbours) = cardinality(distances))
);
