"""Two releases of unlike widths side by side: filled, promoted, rolled back and dropped."""

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import psycopg
import pytest

from catalog.checks.integrity import run_checks
from catalog.database import lock_retry
from catalog.database.connection import connect
from catalog.errors import CatalogError
from catalog.ingestion.records import GalaxyRows, SkipRecord
from catalog.ingestion.writer import write_failure, write_tile
from catalog.releases.missing_tiles import count_missing_tiles, list_missing_tiles
from catalog.releases.promotion import Promotion, promote_release
from catalog.releases.releases import (
    ReleaseState,
    build_search_index,
    current_release,
    drop_release,
    find_release,
    hold_release,
    list_release_states,
    register_release,
)
from tests.catalog.galaxies import DIMENSION, fill, galaxy_rows, release_record, tile_record
from tests.waiting import LAST_LIMIT_S, wait_until

WIDE = 1280
BY_RELEASE = ("embedding", "embedding_full", "morphology", "ingestion", "skipped_row")
SHARED = ("survey", "tile", "source", "thumbnail")


def wide_rows(n: int, seed: int = 0, encoder_seed: int = 7) -> GalaxyRows:
    """The galaxies of `galaxy_rows` as another, wider encoder sees them."""
    seen = galaxy_rows(n, encoder_seed)
    full = np.random.default_rng(encoder_seed).normal(size=(n, WIDE)).astype(np.float32)
    return replace(
        galaxy_rows(n, seed),
        full=full,
        search=seen.search,
        fractions=seen.fractions,
        concentrations=seen.concentrations,
        jpegs=seen.jpegs,
    )


def rows_of(connection: psycopg.Connection, tables: tuple[str, ...], where: str = "true") -> object:
    """Every row with the transaction that wrote it: equal only if nothing was touched."""
    return {
        table: connection.execute(
            f"SELECT xmin::text, t::text FROM galcat.{table} AS t WHERE {where} ORDER BY t::text".encode()
        ).fetchall()
        for table in tables
    }


def relations(connection: psycopg.Connection) -> list[str]:
    return [
        row[0]
        for row in connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'galcat'::regnamespace ORDER BY 1"
        )
    ]


def state(connection: psycopg.Connection, name: str) -> ReleaseState:
    return next(release for release in list_release_states(connection) if release.name == name)


def read_shown(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    return connection.execute("SELECT object_id, search::text FROM galcat.galaxy ORDER BY 1").fetchall()


@pytest.fixture
def first(connection: psycopg.Connection) -> tuple[int, int]:
    """survey_id and release_id of a catalogue with one release and two tiles, index built."""
    survey_id, release_id = fill(connection, 12)
    rows = galaxy_rows(3, 5, prefix="other")
    write_tile(connection, survey_id, release_id, tile_record("other"), rows, [])
    build_search_index(connection, release_id)
    return survey_id, release_id


@pytest.fixture
def second(connection: psycopg.Connection, first: tuple[int, int]) -> int:
    """A wider release that has one of the two tiles."""
    release_id = register_release(connection, release_record("second", WIDE))
    write_tile(connection, first[0], release_id, tile_record(), wide_rows(12), [])
    return release_id


@pytest.fixture
def other_session(database: str) -> Iterator[psycopg.Connection]:
    with connect(database) as opened:
        yield opened


def complete(connection: psycopg.Connection, survey_id: int, release_id: int) -> None:
    rows = replace(galaxy_rows(3, 5, prefix="other"), full=np.ones((3, WIDE), np.float32))
    write_tile(connection, survey_id, release_id, tile_record("other"), rows, [])
    build_search_index(connection, release_id)


def test_a_second_release_is_made_and_filled_beside_a_reader_and_touches_nothing_of_the_first(
    connection: psycopg.Connection, other_session: psycopg.Connection, first: tuple[int, int]
) -> None:
    before = rows_of(connection, BY_RELEASE), rows_of(connection, SHARED)
    # A transaction that stays open, with its lock on every table of the view.
    view = read_shown(other_session)
    connection.execute(f"SET lock_timeout = '{LAST_LIMIT_S}s'".encode())
    second = register_release(connection, release_record("second", WIDE))
    write_tile(connection, first[0], second, tile_record(), wide_rows(12), [])
    write_failure(connection, first[0], second, tile_record("other"), "no such file")
    assert read_shown(other_session) == view
    assert rows_of(connection, BY_RELEASE, f"release_id = {first[1]}") == before[0]
    assert rows_of(connection, SHARED) == before[1]
    widths = connection.execute(
        "SELECT release_id, vector_dims(vector), count(*) FROM galcat.embedding_full GROUP BY 1, 2 ORDER BY 1"
    ).fetchall()
    assert widths == [(first[1], DIMENSION, 15), (second, WIDE, 12)]
    own = state(connection, "second")
    assert (own.dimension, own.tiles, own.galaxies, own.failed, own.missing) == (WIDE, 1, 12, 1, 1)
    assert (own.is_current, own.has_index) == (False, False)
    assert all(result.passed for result in run_checks(connection))


def test_a_release_that_sees_other_galaxies_of_a_tile_takes_none_from_the_current_one(
    connection: psycopg.Connection, first: tuple[int, int], second: int
) -> None:
    new = SkipRecord(0, "new", "edge", "off the tile", will_retry=False)
    write_tile(connection, *first, tile_record(), galaxy_rows(12, 0), [new])
    view = read_shown(connection)
    rows = wide_rows(12)
    others = GalaxyRows(
        [*rows.survey_source_id[1:], "new"],
        rows.ra,
        rows.dec,
        rows.radii_arcsec,
        rows.magnitudes,
        rows.full,
        rows.search,
        rows.fractions,
        rows.concentrations,
        rows.jpegs,
        rows.picture_digests,
    )
    edge = SkipRecord(0, "g0", "edge", "off the tile", will_retry=False)
    write_tile(connection, first[0], second, tile_record(), others, [edge])
    assert read_shown(connection) == view
    names = connection.execute(
        "SELECT survey_source_id FROM galcat.embedding JOIN galcat.source USING (object_id) "
        "WHERE release_id = %s ORDER BY 1",
        [second],
    ).fetchall()
    assert [row[0] for row in names] == sorted(others.survey_source_id)
    assert all(result.passed for result in run_checks(connection))
    beside = rows_of(connection, BY_RELEASE, f"release_id = {second}")
    write_tile(connection, *first, tile_record(), galaxy_rows(12, 0), [new])
    assert rows_of(connection, BY_RELEASE, f"release_id = {second}") == beside
    assert all(result.passed for result in run_checks(connection))


def test_missing_are_the_tiles_it_lacks_and_those_it_has_from_older_files(
    connection: psycopg.Connection, first: tuple[int, int], second: int
) -> None:
    def missing() -> list[tuple[str, str | None]]:
        listed = list_missing_tiles(connection, second)
        known = [name for (name,) in connection.execute("SELECT name FROM galcat.tile ORDER BY tile_id")]
        names = sorted((tile.name for tile in listed), key=known.index)
        for n in (1, 3):
            assert count_missing_tiles(connection, second, n) == (len(names), names[:n])
        return [(tile.name, tile.content_hash) for tile in listed]

    assert missing() == [("other", "content")]
    tile = list_missing_tiles(connection, second)[0]
    assert (tile.survey, tile.ra, tile.dec, tile.folder) == ("survey", 10.0, 2.0, "/data/tiles")
    write_tile(connection, *first, tile_record(content_hash="newer"), galaxy_rows(12, 1), [])
    assert missing() == [("other", "content"), ("tile", "newer")]
    write_failure(connection, *first, tile_record("other"), "broken")  # its galaxies are still shown
    assert missing() == [("other", None), ("tile", "newer")]
    write_failure(connection, *first, tile_record("never read"), "broken")
    assert missing() == [("other", None), ("tile", "newer")]
    assert list_missing_tiles(connection, first[1]) == []
    assert count_missing_tiles(connection, first[1], 3) == (0, [])


def test_promotion_waits_for_completeness_and_rollback_is_the_promotion_of_the_old_one(
    connection: psycopg.Connection, first: tuple[int, int], second: int
) -> None:
    old = read_shown(connection)
    refused = (
        r"^release second lacks 1 of the tiles .* the first is other of survey: run galcat release backfill"
    )
    with pytest.raises(CatalogError, match=refused):
        promote_release(connection, "second")
    assert read_shown(connection) == old
    rows = replace(galaxy_rows(3, 5, prefix="other"), full=np.ones((3, WIDE), np.float32))
    write_tile(connection, first[0], second, tile_record("other"), rows, [])
    with pytest.raises(CatalogError, match=r"^release second has no vector index yet"):
        promote_release(connection, "second")
    build_search_index(connection, second)
    assert promote_release(connection, "second") == Promotion("first", 0)
    new = read_shown(connection)
    assert [row[0] for row in new] == [row[0] for row in old]
    wanted = connection.execute(
        "SELECT object_id, search::text FROM galcat.embedding WHERE release_id = %s ORDER BY 1", [second]
    ).fetchall()
    assert new == wanted != old
    assert promote_release(connection, "second") == Promotion("second", 0)
    assert read_shown(connection) == new
    assert promote_release(connection, "first") == Promotion("second", 0)
    assert read_shown(connection) == old


def test_force_promotes_what_is_incomplete(
    connection: psycopg.Connection, first: tuple[int, int], second: int
) -> None:
    assert promote_release(connection, "second", force=True) == Promotion("first", 1)
    current = current_release(connection)
    assert current == find_release(connection, "second")
    assert current is not None
    assert current.release_id == second
    assert len(read_shown(connection)) == 12
    assert state(connection, "first").missing == 0
    assert first[1] != second


def test_a_release_that_was_promoted_by_force_stays_incomplete_until_it_is_whole(
    connection: psycopg.Connection, first: tuple[int, int], second: int
) -> None:
    lacking = list_missing_tiles(connection, second)
    promote_release(connection, "second", force=True)
    assert state(connection, "second").missing == 1
    assert list_missing_tiles(connection, second) == lacking
    assert promote_release(connection, "second") == Promotion("second", 1)
    (whole,) = [check for check in run_checks(connection) if check.name == "whole_release"]
    assert (whole.violations, whole.example) == (1, f"tile {lacking[0].name}")
    complete(connection, first[0], second)
    assert (state(connection, "second").missing, list_missing_tiles(connection, second)) == (0, [])
    assert all(check.passed for check in run_checks(connection) if check.name == "whole_release")


def test_an_index_that_two_would_build_at_once_is_built_by_one_and_found_by_the_other(
    database: str, second: int
) -> None:
    def build() -> bool:
        with connect(database, autocommit=True) as builder:
            return build_search_index(builder, second)

    with connect(database, autocommit=True) as holder, ThreadPoolExecutor(2) as threads:
        key = f"galcat/index/{second}"
        holder.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [key])
        both = [threads.submit(build) for _ in range(2)]
        waiting = (
            "SELECT count(*) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database "
            "WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted"
        )
        wait_until(lambda: holder.execute(waiting).fetchone() == (2,))
        holder.close()
        assert sorted(built.result() for built in both) == [False, True]


def test_concurrent_readers_see_one_release_or_the_other(
    database: str, connection: psycopg.Connection, first: tuple[int, int], second: int
) -> None:
    complete(connection, first[0], second)
    either = [read_shown(connection)]
    promote_release(connection, "second")
    either.append(read_shown(connection))
    seen: list[int] = []
    wrong: list[object] = []
    end = threading.Event()

    def read() -> None:
        with connect(database, autocommit=True) as reader:
            while not end.is_set():
                now = read_shown(reader)
                (seen if now in either else wrong).append(either.index(now) if now in either else 0)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    turns = itertools.count()

    def both_were_seen() -> bool:
        turn = next(turns)
        promote_release(connection, ("first", "second")[turn % 2])
        return turn >= 40 and set(seen) == {0, 1}

    wait_until(both_were_seen, "a read of each release")
    end.set()
    for thread in threads:
        thread.join(LAST_LIMIT_S)
    assert not wrong
    assert set(seen) == {0, 1}


def test_a_dropped_release_leaves_nothing_and_the_other_as_it_was(
    connection: psycopg.Connection, first: tuple[int, int]
) -> None:
    names = relations(connection)
    before = rows_of(connection, (*BY_RELEASE, *SHARED, "release"))
    second = register_release(connection, release_record("second", WIDE))
    skip = SkipRecord(0, "edgy", "edge", "off the tile", will_retry=False)
    write_tile(connection, first[0], second, tile_record(), wide_rows(12), [skip])
    build_search_index(connection, second)
    assert drop_release(connection, "second").galaxies == 12
    assert relations(connection) == names
    assert rows_of(connection, (*BY_RELEASE, *SHARED, "release")) == before
    again = register_release(connection, release_record("second", WIDE))
    assert again > second
    assert state(connection, "second").tiles == 0


def test_a_drop_that_is_refused_or_cannot_get_its_locks_changes_nothing(
    connection: psycopg.Connection,
    other_session: psycopg.Connection,
    first: tuple[int, int],
    second: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = rows_of(connection, (*BY_RELEASE, *SHARED, "release"))
    with pytest.raises(CatalogError, match=r"^release first is the current one: promote another"):
        drop_release(connection, "first")
    with pytest.raises(psycopg.errors.ObjectInUse), connection.transaction():
        connection.execute("SELECT galcat.drop_release(%s::smallint)", [first[1]])
    with pytest.raises(CatalogError, match=r"^no release 'third'; there are: first, second$"):
        drop_release(connection, "third")
    with (
        hold_release(other_session, "second"),
        pytest.raises(CatalogError, match=r"^release second is being filled: end its backfill"),
    ):
        drop_release(connection, "second")
    other_session.rollback()
    read_shown(other_session)
    monkeypatch.setattr(lock_retry, "ATTEMPTS", 2)
    with pytest.raises(CatalogError, match=r"^others held the catalogue's tables for 0 s: nothing was"):
        drop_release(connection, "second")
    assert rows_of(connection, (*BY_RELEASE, *SHARED, "release")) == before
    other_session.rollback()
    assert drop_release(connection, "second").release_id == second


def test_the_reader_and_the_writer_may_drop_nothing(
    connection: psycopg.Connection, first: tuple[int, int], second: int
) -> None:
    for role in ("galcat_reader", "galcat_writer"):
        connection.execute(f"SET ROLE {role}".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT galcat.drop_release(%s::smallint)", [second])
    assert {release.release_id for release in list_release_states(connection)} == {first[1], second}
