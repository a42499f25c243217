"""A tile is written whole, once, and exactly; expected rows are made here, not read from the writer."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import psycopg
import pytest

from catalog.errors import CatalogError, CollisionError
from catalog.ingestion.records import GalaxyRows, SkipRecord, SurveyRecord, object_id
from catalog.ingestion.tile_rows import register_survey
from catalog.ingestion.tile_status import read_known_tiles, touch_tile
from catalog.ingestion.writer import write_failure, write_tile
from catalog.questions import CONCENTRATIONS, FRACTIONS
from catalog.schema import metadata
from catalog.tasks.tasks import add_task, show_task
from tests.catalog.galaxies import fill, galaxy_rows, tile_record
from tests.catalog.tasks.scored_tasks import RING, write_random_scores
from tests.sizes import moments_s
from tests.waiting import wait_until_alone

BAD_IMAGE = SkipRecord(99, "g3", "unreadable_image", "no picture", will_retry=True)
AT_THE_EDGE = SkipRecord(98, "g4", "edge", "near the edge", will_retry=False)


def everything(connection: psycopg.Connection) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, with the transaction that wrote it: equal only if nothing was touched."""
    return {
        table.name: connection.execute(
            f"SELECT xmin::text, t::text FROM galcat.{table.name} AS t ORDER BY t::text".encode()
        ).fetchall()
        for table in metadata.tables.values()
        if not table.info.get("is_view")
    }


def ids_of(rows: GalaxyRows, chosen: slice = slice(None)) -> list[int]:
    return [object_id("survey", name) for name in rows.survey_source_id[chosen]]


def take(rows: GalaxyRows, chosen: slice) -> GalaxyRows:
    return GalaxyRows(
        rows.survey_source_id[chosen],
        rows.ra[chosen],
        rows.dec[chosen],
        {name: column[chosen] for name, column in rows.radii_arcsec.items()},
        {name: column[chosen] for name, column in rows.magnitudes.items()},
        rows.full[chosen],
        rows.search[chosen],
        rows.fractions[chosen],
        rows.concentrations[chosen],
        rows.jpegs[chosen],
        rows.picture_digests[chosen],
    )


def test_every_value_of_a_tile_comes_back_from_the_view(connection: psycopg.Connection) -> None:
    fill(connection, 30, seed=3)
    rows = galaxy_rows(30, seed=3)
    columns = ["survey_source_id", "survey", "tile", "ra", "dec", "shape_r", "mag_r", "mag_g"]
    found = connection.execute(
        f"SELECT object_id, {', '.join([*columns, *FRACTIONS, *CONCENTRATIONS])}, search "
        "FROM galcat.galaxy".encode()
    ).fetchall()
    assert len(found) == 30
    by_id = {row[0]: row[1:] for row in found}
    for i, identity in enumerate(ids_of(rows)):
        got = by_id[identity]
        magnitude = rows.magnitudes["r"][i]
        assert got[:3] == (f"g{i}", "survey", "tile")
        assert got[3:5] == (rows.ra[i], rows.dec[i])
        assert np.float32(got[5]) == rows.radii_arcsec["shape_r"][i]
        assert (got[6] is None) == bool(np.isnan(magnitude))
        assert got[6] is None or np.float32(got[6]) == magnitude
        assert got[7] is None
        wanted = np.concatenate([rows.fractions[i], rows.concentrations[i]])
        np.testing.assert_array_equal(np.array(got[8:-1], np.float32), wanted)
        np.testing.assert_array_equal(got[-1].to_numpy(), rows.search[i].astype(np.float16))


def test_full_vectors_and_thumbnails_come_back_bit_by_bit(connection: psycopg.Connection) -> None:
    fill(connection, 12, seed=4)
    rows = galaxy_rows(12, seed=4)
    found = {
        row[0]: row[1:]
        for row in connection.execute(
            "SELECT object_id, vector, jpeg FROM galcat.embedding_full "
            "JOIN galcat.thumbnail USING (object_id)"
        )
    }
    for i, identity in enumerate(ids_of(rows)):
        np.testing.assert_array_equal(found[identity][0].to_numpy(), rows.full[i].astype(np.float16))
        assert found[identity][1] == rows.jpegs[i]


def test_the_same_tile_twice_touches_only_its_record(connection: psycopg.Connection) -> None:
    survey_id, release_id = fill(connection, 10)
    before = everything(connection)
    result = write_tile(connection, survey_id, release_id, tile_record(), galaxy_rows(10, 0), [])
    after = everything(connection)
    assert (result.changed, result.retired) == (0, 0)
    for table in before.keys() - {"ingestion", "tile"}:
        assert after[table] == before[table], table


def test_a_changed_galaxy_changes_its_rows_alone(connection: psycopg.Connection) -> None:
    survey_id, release_id = fill(connection, 10)
    before = everything(connection)
    rows = galaxy_rows(10, 0)
    search = rows.search.copy()
    search[4] += 0.5
    digests = rows.picture_digests.copy()
    digests[4] += 1
    changed = replace(rows, search=search, picture_digests=digests)
    result = write_tile(connection, survey_id, release_id, tile_record(content_hash="b"), changed, [])
    after = everything(connection)
    assert result.changed == 2
    assert len(set(after["embedding"]) - set(before["embedding"])) == 1
    assert len(set(after["embedding_full"]) - set(before["embedding_full"])) == 1
    assert after["source"] == before["source"]
    assert after["morphology"] == before["morphology"]


def test_other_vectors_of_the_same_pictures_change_no_row(connection: psycopg.Connection) -> None:
    survey_id, release_id = fill(connection, 10)
    before = everything(connection)
    rows = galaxy_rows(10, 0)
    rounded = replace(
        rows,
        search=rows.search * 1.01,
        full=rows.full * 1.01,
        concentrations=rows.concentrations * np.float32(1 + 1e-6),
    )
    result = write_tile(connection, survey_id, release_id, tile_record(content_hash="b"), rounded, [])
    after = everything(connection)
    assert result.changed == 0
    for table in before.keys() - {"ingestion", "tile"}:
        assert after[table] == before[table], table


@pytest.mark.parametrize("lost", ["embedding", "embedding_full", "morphology"])
def test_a_row_that_is_missing_is_written_though_the_picture_is_known(
    connection: psycopg.Connection, lost: str
) -> None:
    survey_id, release_id = fill(connection, 10)
    before = everything(connection)
    connection.execute(f"DELETE FROM galcat.{lost} WHERE object_id % 3 = 0".encode())
    write_tile(connection, survey_id, release_id, tile_record(content_hash="b"), galaxy_rows(10, 0), [])
    after = everything(connection)
    for table in ("embedding", "embedding_full", "morphology"):
        assert [row[1] for row in after[table]] == [row[1] for row in before[table]], table


def test_a_row_of_before_there_were_digests_is_given_one_once(connection: psycopg.Connection) -> None:
    survey_id, release_id = fill(connection, 10)
    before = everything(connection)
    connection.execute("UPDATE galcat.embedding_full SET picture_digest = NULL WHERE object_id % 2 = 0")
    without = sum(identity % 2 == 0 for identity in ids_of(galaxy_rows(10, 0)))
    found = [
        write_tile(connection, survey_id, release_id, tile_record(), galaxy_rows(10, 0), []).changed
        for _ in range(2)
    ]
    assert found == [without, 0]
    after = everything(connection)
    assert after["embedding"] == before["embedding"]
    assert [row[1] for row in after["embedding_full"]] == [row[1] for row in before["embedding_full"]]


def test_without_a_digest_a_galaxy_keeps_its_scores_where_its_vector_is_the_same(
    connection: psycopg.Connection,
) -> None:
    survey_id, release_id = fill(connection, 30)
    add_task(connection, RING)
    show_task(connection, "ring")
    write_random_scores(connection, RING)
    connection.execute("UPDATE galcat.embedding_full SET picture_digest = NULL")
    rows = galaxy_rows(30, 0)
    full = rows.full.copy()
    full[:4] *= 2
    write_tile(connection, survey_id, release_id, tile_record(), replace(rows, full=full), [])
    kept = connection.execute(
        "SELECT object_id FROM galcat.galaxy WHERE ring_probability IS NOT NULL"
    ).fetchall()
    assert sorted(identity for (identity,) in kept) == sorted(ids_of(rows, slice(4, None)))
    digests = connection.execute("SELECT object_id, picture_digest FROM galcat.embedding_full").fetchall()
    assert dict(digests) == dict(zip(ids_of(rows), rows.picture_digests.tolist(), strict=True))


def test_vanished_galaxies_are_retired_and_come_back(connection: psycopg.Connection) -> None:
    survey_id, release_id = fill(connection, 10)
    rows = galaxy_rows(10, 0)
    gone = ids_of(rows, slice(6, None))
    result = write_tile(
        connection, survey_id, release_id, tile_record(content_hash="b"), take(rows, slice(6)), []
    )
    assert result.retired == 4
    shown = connection.execute("SELECT object_id FROM galcat.galaxy").fetchall()
    assert sorted(row[0] for row in shown) == sorted(ids_of(rows, slice(6)))
    retired = connection.execute("SELECT object_id FROM galcat.source WHERE is_retired").fetchall()
    assert sorted(row[0] for row in retired) == sorted(gone)
    for table in ("embedding", "embedding_full", "morphology", "thumbnail"):
        count = connection.execute(f"SELECT count(*) FROM galcat.{table}".encode()).fetchone()
        assert count == (6,), table
    write_tile(connection, survey_id, release_id, tile_record(content_hash="c"), rows, [])
    assert connection.execute("SELECT count(*) FROM galcat.galaxy").fetchone() == (10,)


def test_an_unreadable_image_keeps_the_galaxy_it_had_and_an_edge_does_not(
    connection: psycopg.Connection,
) -> None:
    survey_id, release_id = fill(connection, 5)
    write_tile(
        connection,
        survey_id,
        release_id,
        tile_record(content_hash="b"),
        take(galaxy_rows(5, 0), slice(3)),
        [BAD_IMAGE, AT_THE_EDGE],
    )
    shown = connection.execute("SELECT survey_source_id FROM galcat.galaxy ORDER BY 1").fetchall()
    assert [row[0] for row in shown] == ["g0", "g1", "g2", "g3"]
    counts = connection.execute(
        "SELECT n_sources, n_galaxies, n_skipped, n_failed, state FROM galcat.ingestion"
    ).fetchone()
    assert counts == (5, 3, 1, 1, "done")
    stored = connection.execute(
        "SELECT file_row, survey_source_id, reason, detail, will_retry FROM galcat.skipped_row ORDER BY 1"
    ).fetchall()
    assert stored == [
        (98, "g4", "edge", "near the edge", False),
        (99, "g3", "unreadable_image", "no picture", True),
    ]


def test_a_tile_without_galaxies_is_done(connection: psycopg.Connection) -> None:
    survey_id, release_id = fill(connection, 2)
    empty = take(galaxy_rows(2, 0), slice(0))
    write_tile(connection, survey_id, release_id, tile_record("other"), empty, [AT_THE_EDGE])
    row = connection.execute("SELECT n_galaxies, n_skipped FROM galcat.ingestion ORDER BY tile_id").fetchall()
    assert row == [(2, 0), (0, 1)]


def test_a_collision_of_identities_is_an_error_and_writes_nothing(connection: psycopg.Connection) -> None:
    survey_id, release_id = fill(connection, 3)
    thief = object_id("survey", "new0")
    connection.execute("UPDATE galcat.source SET object_id = %s WHERE survey_source_id = 'g0'", [thief])
    before = everything(connection)
    with pytest.raises(
        CollisionError,
        match=f"object_id {thief} of source new0 already belongs to source g0 of survey survey",
    ):
        write_tile(
            connection, survey_id, release_id, tile_record("other"), galaxy_rows(2, 5, prefix="new"), []
        )
    assert everything(connection) == before


def test_one_id_twice_in_a_tile_is_an_error(connection: psycopg.Connection) -> None:
    survey_id, release_id = fill(connection, 1)
    twice = replace(galaxy_rows(2, 5), survey_source_id=["same", "same"])
    with pytest.raises(CollisionError, match=r"claimed by the sources \['same', 'same'\] of one tile"):
        write_tile(connection, survey_id, release_id, tile_record("other"), twice, [])


def test_an_id_of_another_tile_is_an_error_unless_both_are_chunks_of_one_table(
    connection: psycopg.Connection,
) -> None:
    survey_id, release_id = fill(connection, 3)
    before = everything(connection)
    other = replace(tile_record("other"), files=("b.fits",))
    with pytest.raises(
        CollisionError, match="tile other: source g0 is in tile tile already: an id names one"
    ):
        write_tile(connection, survey_id, release_id, other, galaxy_rows(2, 5), [])
    assert everything(connection) == before
    write_tile(connection, survey_id, release_id, tile_record("next chunk"), galaxy_rows(2, 5), [])
    found = connection.execute("SELECT tile, count(*) FROM galcat.galaxy GROUP BY 1 ORDER BY 1").fetchall()
    assert found == [("next chunk", 2), ("tile", 1)]


def test_a_tile_of_the_same_name_from_elsewhere_does_not_retire_what_is_there(
    connection: psycopg.Connection,
) -> None:
    survey_id, release_id = fill(connection, 3)
    before = everything(connection)
    moved = replace(tile_record(content_hash="new"), folder="/data/second")
    with pytest.raises(
        CatalogError, match="tile tile came from /data/tiles, and /data/second has none of its galaxies: give"
    ):
        write_tile(connection, survey_id, release_id, moved, galaxy_rows(2, 5, prefix="new"), [])
    assert everything(connection) == before
    assert write_tile(connection, survey_id, release_id, moved, galaxy_rows(2, 5), []).retired == 1


def test_the_same_id_in_two_surveys_is_two_galaxies(connection: psycopg.Connection) -> None:
    _, release_id = fill(connection, 3)
    other = register_survey(connection, SurveyRecord("other", "another", ("r",), "toml"))
    write_tile(connection, other, release_id, tile_record(), galaxy_rows(3, 0), [])
    found = connection.execute("SELECT survey, count(*) FROM galcat.galaxy GROUP BY 1 ORDER BY 1").fetchall()
    assert found == [("other", 3), ("survey", 3)]


def test_a_failed_tile_keeps_its_galaxies_and_heals(connection: psycopg.Connection) -> None:
    survey_id, release_id = fill(connection, 3)
    write_failure(connection, survey_id, release_id, tile_record(content_hash="bad"), "it is broken")
    assert connection.execute("SELECT count(*) FROM galcat.galaxy").fetchone() == (3,)
    failed = read_known_tiles(connection, "survey", release_id)["tile"]
    assert (failed.state, failed.error, failed.content_hash) == ("failed", "it is broken", None)
    assert not failed.is_settled(failed.fingerprint)
    write_tile(connection, survey_id, release_id, tile_record(), galaxy_rows(3, 0), [])
    healed = read_known_tiles(connection, "survey", release_id)["tile"]
    assert healed.is_settled(tile_record().fingerprint)
    assert connection.execute("SELECT attempts FROM galcat.ingestion").fetchone() == (3,)


def test_a_touched_tile_is_settled_with_its_new_fingerprint(connection: psycopg.Connection) -> None:
    _, release_id = fill(connection, 1)
    touch_tile(connection, "survey", release_id, "tile", "touched")
    assert read_known_tiles(connection, "survey", release_id)["tile"].is_settled("touched")


def test_a_vector_that_no_halfvec_can_hold_is_an_error(connection: psycopg.Connection) -> None:
    survey_id, release_id = fill(connection, 1)
    rows = galaxy_rows(2, 1, prefix="big")
    rows.full[1, 3] = 1e6
    with pytest.raises(CatalogError, match="a vector holds 1e\\+06, more than a halfvec can"):
        write_tile(connection, survey_id, release_id, tile_record("other"), rows, [])


def test_rows_check_themselves() -> None:
    rows = galaxy_rows(3, 0)
    broken = rows.search.copy()
    broken[1, 2] = np.nan
    with pytest.raises(CatalogError, match="search of source g1 is not finite"):
        replace(rows, search=broken)
    with pytest.raises(CatalogError, match=r"ra has shape \(2,\), not \(3,\)"):
        replace(rows, ra=rows.ra[:2])
    with pytest.raises(CatalogError, match=r"fractions has shape \(3, 33\), not \(3, 34\)"):
        replace(rows, fractions=rows.fractions[:, :33])
    with pytest.raises(CatalogError, match="no column for band u"):
        replace(rows, magnitudes={"u": rows.ra.astype(np.float32)})


WRITE_FOR_EVER = """
import sys
from catalog.database.connection import connect
from catalog.ingestion.writer import write_tile
from tests.catalog.galaxies import galaxy_rows, tile_record
with connect(sys.argv[1], autocommit=True) as connection:
    for i in range(1000):
        name = f"tile{i}"
        ids = int(sys.argv[2]), int(sys.argv[3])
        write_tile(connection, *ids, tile_record(name), galaxy_rows(40, i, name), [])
        print(i, flush=True)
"""


@pytest.mark.kills
@pytest.mark.parametrize("delay_s", moments_s(3, last_s=0.04))
def test_killed_in_mid_write_every_tile_is_whole_or_absent(
    database: str, connection: psycopg.Connection, delay_s: float
) -> None:
    survey_id, release_id = fill(connection, 1)
    with subprocess.Popen(
        [sys.executable, "-c", WRITE_FOR_EVER, database, str(survey_id), str(release_id)],
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        for _ in range(5):
            writer.stdout.readline()
        time.sleep(delay_s)
        os.kill(writer.pid, signal.SIGKILL)
    wait_until_alone(database)
    counts = connection.execute(
        "SELECT t.name, i.n_galaxies, "
        "(SELECT count(*) FROM galcat.galaxy AS g WHERE g.tile = t.name), "
        "(SELECT count(*) FROM galcat.source AS s JOIN galcat.thumbnail USING (object_id) "
        " JOIN galcat.embedding_full USING (object_id) WHERE s.tile_id = t.tile_id) "
        "FROM galcat.tile AS t JOIN galcat.ingestion AS i USING (tile_id) WHERE t.name <> 'tile'"
    ).fetchall()
    assert len(counts) >= 5
    assert {row[1:] for row in counts} == {(40, 40, 40)}
    assert connection.execute("SELECT count(*) FROM galcat.source").fetchone() == (1 + 40 * len(counts),)
