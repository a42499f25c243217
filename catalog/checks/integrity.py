"""Is the catalogue whole? Each check counts its violations and names one."""

from dataclasses import dataclass
from typing import LiteralString

import psycopg
from psycopg import sql

from catalog.questions import QUESTIONS

TOLERANCE = 1e-3


@dataclass(frozen=True)
class CheckResult:
    """Outcome of one check: how many rows break it, the first of them, and what to do about it.

    A note is for people: what it says breaks nothing, whether it has passed or not.
    """

    name: str
    description: str
    violations: int
    example: str | None
    remedy: str = ""
    is_note: bool = False

    @property
    def passed(self) -> bool:
        """True when nothing breaks it."""
        return self.violations == 0


_REMEDY = "ingest the tile's folder again; what stays is a bug or damage: restore a backup"
_OWN_REMEDIES = {"whole_release": "galcat release list names it, galcat release backfill RELEASE fills it"}

# Each query gives the tile_id (NULL where there is none) and a name of every row that breaks the rule.
_CHECKS: dict[str, tuple[str, LiteralString]] = {
    "row_count": (
        "a tile has as many vectors as it had cutouts",
        "SELECT i.tile_id, 'tile ' || t.name || ': ' || i.n_galaxies || ' cutouts, ' || n.rows || ' vectors' "
        "FROM galcat.ingestion AS i JOIN galcat.tile AS t USING (tile_id), LATERAL ("
        "  SELECT count(*) AS rows FROM galcat.source AS s JOIN galcat.embedding AS e USING (object_id) "
        "  WHERE s.tile_id = i.tile_id AND e.release_id = i.release_id AND NOT s.is_retired) AS n "
        "WHERE i.state = 'done' AND i.n_failed = 0 AND n.rows <> i.n_galaxies",
    ),
    "finite_vectors": (
        "every vector has a finite, non-zero length",
        "SELECT s.tile_id, 'object_id ' || e.object_id FROM galcat.embedding AS e "
        "JOIN galcat.source AS s USING (object_id) "
        "WHERE NOT (public.l2_norm(e.search) > 0 AND public.l2_norm(e.search) < 'Infinity')",
    ),
    "complete": (
        "every galaxy of an ingested tile, unless skipped, has both vectors, a morphology and a thumbnail",
        "SELECT i.tile_id, 'object_id ' || s.object_id FROM galcat.ingestion AS i "
        "JOIN galcat.source AS s USING (tile_id) "
        "LEFT JOIN galcat.embedding AS e USING (object_id, release_id) "
        "LEFT JOIN galcat.embedding_full AS f USING (object_id, release_id) "
        "LEFT JOIN galcat.morphology AS m USING (object_id, release_id) "
        "LEFT JOIN galcat.thumbnail AS p USING (object_id) "
        "WHERE i.state = 'done' AND NOT s.is_retired AND (e.search IS NULL OR f.vector IS NULL "
        "OR m.bar_concentration IS NULL OR p.jpeg IS NULL) AND NOT EXISTS ("
        "  SELECT FROM galcat.skipped_row AS r WHERE r.tile_id = i.tile_id "
        "  AND r.release_id = i.release_id AND r.survey_source_id = s.survey_source_id)",
    ),
    "positions": (
        "every tile lies on the sky, or has no position",
        "SELECT t.tile_id, 'tile ' || t.name || ': ra ' || coalesce(t.ra::text, 'NULL') || ', dec ' "
        "|| coalesce(t.dec::text, 'NULL') FROM galcat.tile AS t "
        "WHERE NOT coalesce((t.ra IS NULL) = (t.dec IS NULL) AND t.ra >= 0 AND t.ra < 360 "
        "AND t.dec >= -90 AND t.dec <= 90, true)",
    ),
    "calibrated": (
        "the vote fractions of a survey are calibrated where it has a calibration, and nowhere else",
        "SELECT s.tile_id, 'object_id ' || m.object_id FROM galcat.morphology AS m "
        "JOIN galcat.source AS s USING (object_id) WHERE (m.network_posterior IS NOT NULL) <> EXISTS ("
        "  SELECT FROM galcat.calibration AS c "
        "  WHERE c.release_id = m.release_id AND c.survey_id = s.survey_id)",
    ),
    "whole_release": (
        "the current release has every tile that another release has",
        "SELECT t.tile_id, 'tile ' || t.name FROM galcat.missing_tiles(galcat.current_release()) "
        "JOIN galcat.tile AS t USING (tile_id)",
    ),
    # Without a source there is no tile: only a look at the whole catalogue finds those.
    "orphans": (
        "no vector, morphology or thumbnail is without a galaxy that is in its survey",
        "SELECT s.tile_id, x.kind || ' of object_id ' || x.object_id FROM ("
        "  SELECT 'search vector' AS kind, object_id FROM galcat.embedding"
        "  UNION ALL SELECT 'full vector', object_id FROM galcat.embedding_full"
        "  UNION ALL SELECT 'morphology', object_id FROM galcat.morphology"
        "  UNION ALL SELECT 'thumbnail', object_id FROM galcat.thumbnail) AS x "
        "LEFT JOIN galcat.source AS s USING (object_id) WHERE s.object_id IS NULL OR s.is_retired",
    ),
}


def run_checks(connection: psycopg.Connection, tile_ids: list[int] | None = None) -> list[CheckResult]:
    """Run every check, over the whole catalogue or over some tiles.

    Args:
        connection: Open connection; only read from.
        tile_ids: Tiles to look at; None for everything, rows without a tile included.
    """
    return [
        _run(connection, name, description, query, tile_ids) for name, (description, query) in CHECKS.items()
    ]


def _run(
    connection: psycopg.Connection,
    name: str,
    description: str,
    query: sql.Composable,
    tile_ids: list[int] | None,
) -> CheckResult:
    row = connection.execute(
        sql.SQL(
            "SELECT count(*), min(violation.name) FROM ({}) AS violation (tile_id, name) "
            "WHERE %(tiles)s::bigint[] IS NULL OR violation.tile_id = ANY (%(tiles)s::bigint[])"
        ).format(query),
        {"tiles": tile_ids},
    ).fetchone()
    assert row is not None  # noqa: S101 - an aggregate gives a row
    remedy = _OWN_REMEDIES.get(name, _REMEDY) if row[0] else ""
    return CheckResult(name, description, int(row[0]), row[1], remedy)


def _fraction_sums() -> sql.Composed:
    """Galaxies whose fractions of some question do not sum to 1."""
    broken = sql.SQL(" OR ").join(
        sql.SQL("abs({} - 1) > {}").format(
            sql.SQL(" + ").join(sql.Identifier(f"{question}_{answer}_fraction") for answer in answers),
            sql.Literal(TOLERANCE),
        )
        for question, answers in QUESTIONS.items()
    )
    return sql.SQL(
        "SELECT s.tile_id, 'object_id ' || m.object_id FROM galcat.morphology AS m "
        "JOIN galcat.source AS s USING (object_id) WHERE {}"
    ).format(broken)


CHECKS: dict[str, tuple[str, sql.Composable]] = {
    name: (description, sql.SQL(query)) for name, (description, query) in _CHECKS.items()
} | {"fractions": ("the vote fractions of every question sum to 1", _fraction_sums())}
