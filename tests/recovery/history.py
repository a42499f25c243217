"""What a catalogue goes through, a step at a time, and what it must hold after each: the witness.

    python -m tests.recovery.history URL WITNESS

goes through all of it in the catalogue at a URL; a step that is in the witness file already is left out.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import LiteralString

import psycopg

from catalog.database.connection import connect
from catalog.ingestion.retraction import retract_tile
from catalog.ingestion.writer import write_tile
from catalog.releases.promotion import promote_release
from catalog.releases.releases import build_search_index, find_release, register_release
from catalog.tasks.labels import Label, write_labels
from catalog.tasks.tasks import add_task
from galcat.workflows.tasks.learn import learn
from galcat.workflows.upkeep import analyse_tables, index_current_release
from tests.catalog.galaxies import galaxy_rows, release_record, tile_record
from tests.galcat.cli.labelled_galaxies import fill_labelled
from tests.galcat.workflows.tasks.ring_labels import RING

TILES, GALAXIES = 8, 150
_STATE: dict[str, LiteralString] = {
    "release": "SELECT coalesce(min(name) FILTER (WHERE is_current), ''), count(*) FROM galcat.release",
    "tiles": "SELECT r.name, t.name, i.state, count(e.object_id), "
    "md5(string_agg(md5(concat(e.object_id, s.ra, s.dec, e.search, f.vector, m.bar_concentration, p.jpeg)), "
    "'' ORDER BY s.object_id)) FROM galcat.ingestion AS i JOIN galcat.tile AS t USING (tile_id) "
    "JOIN galcat.release AS r USING (release_id) "
    "LEFT JOIN galcat.source AS s ON s.tile_id = t.tile_id AND NOT s.is_retired "
    "LEFT JOIN galcat.embedding AS e USING (object_id, release_id) "
    "LEFT JOIN galcat.embedding_full AS f USING (object_id, release_id) "
    "LEFT JOIN galcat.morphology AS m USING (object_id, release_id) "
    "LEFT JOIN galcat.thumbnail AS p USING (object_id) GROUP BY 1, 2, 3 ORDER BY 1, 2",
    "labels": "SELECT count(*), md5(string_agg(concat_ws(' ', task, object_id, answer, labeller), ',' "
    "ORDER BY label_id)) FROM galcat.label",
    "scores": "SELECT count(*), count(to_jsonb(g) ->> 'ring_probability'), md5(string_agg(concat_ws(' ', "
    "g.object_id, to_jsonb(g) ->> 'ring_probability'), ',' ORDER BY g.object_id)) FROM galcat.galaxy AS g",
}
_VECTORS: LiteralString = (
    "SELECT e.object_id, e.search FROM galcat.embedding AS e JOIN galcat.source AS s USING (object_id) "
    "JOIN galcat.tile AS t USING (tile_id) WHERE t.name = %s AND e.release_id = 1 ORDER BY 1"
)
State = dict[str, list[list[str]]]


@dataclass(frozen=True)
class Witnessed:
    """A step that was done.

    Attributes:
        name: What was done.
        is_one: Whether it was one transaction.
        before: Place in the log before its first record.
        after: Place in the log after it was committed.
        state: What the catalogue held then.
    """

    name: str
    is_one: bool
    before: int
    after: int
    state: State


@dataclass(frozen=True)
class Step:
    """Something that happens to a catalogue; done again after it was cut off, it ends the same."""

    name: str
    do: Callable[[str], object]
    is_one: bool = True


def list_steps() -> list[Step]:
    """Ingest, index, label, learn, ingest, learn again, fill a second release, promote it, retire, VACUUM."""
    steps = [_ingest(tile) for tile in range(TILES // 2)]
    steps += [_upkeep(), Step("task", lambda url: _with(url, lambda on: add_task(on, RING)))]
    steps += [_label(tile, part) for tile in (0, 1) for part in range(5)]
    steps += [_learn(), *(_ingest(tile) for tile in range(TILES // 2, TILES))]
    steps += [_label(tile, part) for tile in (4, 5) for part in range(5)]
    steps += [_learn(), Step("release", lambda url: _with(url, _register))]
    steps += [_fill(tile) for tile in range(TILES)]
    steps += [
        Step("index of the second release", lambda url: _with(url, _index_second)),
        Step("promotion", lambda url: _with(url, lambda on: promote_release(on, "second"))),
        Step("retraction", lambda url: _with(url, _retract)),
        Step("vacuum", lambda url: _with(url, lambda on: on.execute("VACUUM")), is_one=False),
        *(_label(6, part) for part in range(5)),
        _upkeep(),
    ]
    return steps


def write_history(url: str, witness: Path) -> None:
    """Do every step that the witness does not have, and add each to it as soon as it is committed."""
    done = len(read_witness(witness))
    with witness.open("a") as file, connect(url, autocommit=True) as connection:
        for step in list_steps()[done:]:
            before = _lsn(connection)
            step.do(url)
            seen = Witnessed(step.name, step.is_one, before, _lsn(connection), read_state(connection))
            file.write(json.dumps(asdict(seen)) + "\n")
            file.flush()


def read_witness(witness: Path) -> list[Witnessed]:
    """The steps that were done, in order."""
    if not witness.exists():
        return []
    return [Witnessed(**json.loads(line)) for line in witness.read_text().splitlines()]


def read_state(connection: psycopg.Connection) -> State:
    """What a catalogue holds, each part in a few rows of text."""
    with connection.transaction():
        connection.execute("SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off")
        return {
            part: [[str(value) for value in row] for row in connection.execute(query).fetchall()]
            for part, query in _STATE.items()
        }


def _with(url: str, do: Callable[[psycopg.Connection], object]) -> None:
    with connect(url, autocommit=True) as connection:
        do(connection)


def _ingest(tile: int) -> Step:
    def ingest(connection: psycopg.Connection) -> None:
        fill_labelled(connection, GALAXIES, seed=tile, tile=f"t{tile}")

    # The first of them registers release and survey before.
    return Step(f"tile {tile}", lambda url: _with(url, ingest), is_one=tile > 0)


def _upkeep() -> Step:
    def care(url: str) -> None:
        index_current_release(url)
        analyse_tables(url)

    return Step("index and statistics", care, is_one=False)


def _label(tile: int, part: int) -> Step:
    def label(url: str) -> None:
        with connect(url, autocommit=True) as connection:
            rows = connection.execute(_VECTORS, [f"t{tile}"]).fetchall()[8 * part : 8 * part + 8]
            answers = [Label(row[0], "yes" if row[1].to_numpy()[:2].sum() > 0 else "no") for row in rows]
            write_labels(connection, RING, answers, "ann", "test")

    return Step(f"labels {part} of tile {tile}", label)


def _learn() -> Step:
    return Step("learning", lambda url: learn(url, RING.name), is_one=False)


def _register(connection: psycopg.Connection) -> None:
    register_release(connection, release_record("second"))


def _fill(tile: int) -> Step:
    def fill(connection: psycopg.Connection) -> None:
        release = find_release(connection, "second").release_id
        rows = galaxy_rows(GALAXIES, tile, prefix=f"t{tile}")
        write_tile(connection, 1, release, tile_record(f"t{tile}"), rows, [])

    return Step(f"tile {tile} in the second release", lambda url: _with(url, fill))


def _index_second(connection: psycopg.Connection) -> None:
    build_search_index(connection, find_release(connection, "second").release_id)


def _retract(connection: psycopg.Connection) -> None:
    there = connection.execute(
        "SELECT FROM galcat.ingestion JOIN galcat.tile USING (tile_id) WHERE name = 't7'"
    ).fetchone()
    if there is not None:
        retract_tile(connection, "t7")


def _lsn(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
    assert row is not None
    return int(row[0])


if __name__ == "__main__":
    write_history(sys.argv[1], Path(sys.argv[2]))
