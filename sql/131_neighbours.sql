-- The graph of neighbours, a row a pair.

CREATE OR REPLACE VIEW galcat.neighbour AS
SELECT l.object_id, n.place, n.neighbour_id, n.distance
FROM galcat.neighbour_list AS l, unnest(l.neighbours, l.distances) WITH ORDINALITY AS n (neighbour_id, distance, place)
WHERE l.graph_id = (
    SELECT max(g.graph_id) FROM galcat.neighbour_graph AS g
    WHERE g.made_at IS NOT NULL AND g.release_id = (SELECT galcat.current_release()));
ALTER VIEW galcat.neighbour OWNER TO galcat_owner;
COMMENT ON VIEW galcat.neighbour IS
    'The nearest galaxies of every galaxy by what they look like, as galcat graph found them last (galcat.neighbour_graph.made_at)';
