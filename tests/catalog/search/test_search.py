"""Neighbours against numpy: under any condition, in the order and number of brute force.

pgvector adds the 40 squares of a distance in single precision, in an order that depends on the processor, so
two galaxies that are nearly as far may change places against numpy. The vectors here lie on a grid on which
every such sum is exact in any order: answers are compared number by number, galaxies that are as far as each
other included.
"""

import dataclasses
import math

import numpy as np
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from catalog.database.read_only import read_transaction, run_query
from catalog.errors import QueryError, UnknownObjectError
from catalog.ingestion.records import GalaxyRows, object_id
from catalog.ingestion.writer import write_tile
from catalog.releases.releases import build_search_index, refresh_statistics
from catalog.search import search as search_module
from catalog.search.galaxy_at import find_galaxy_at
from catalog.search.request import Cone, Search, SqlCondition
from catalog.search.search import search, search_within
from catalog.search.thumbnails import read_thumbnails
from tests.catalog.galaxies import fill, galaxy_rows, tile_record
from tests.sizes import fuzzing

N = 1500
STEP = 1 / 256
"""Of the grid: differences have at most 9 bits, their squares 18, and sums of 40 of them less than the 24
that a number of single precision holds."""
CLUSTERED = 300
"""Galaxies of the catalogue that lie within half a degree of one place."""
CENTRE = (150.0, -30.0)


class Sky:
    """What brute force says of the galaxies of `filled`: positions, magnitudes, and vectors as stored."""

    def __init__(self) -> None:
        rows = gridded_rows()
        self.ids = np.array([object_id("survey", name) for name in rows.survey_source_id])
        self.ra, self.dec = rows.ra, rows.dec
        self.mag = rows.magnitudes["r"]
        self.smooth = rows.fractions[:, 0]
        self.search = rows.search
        self.stored = rows.search.astype(np.float16).astype(np.float64)

    def distances(self, wanted: np.ndarray) -> np.ndarray:
        return np.linalg.norm(self.stored - wanted.astype(np.float16).astype(np.float64), axis=1)

    def inside(self, cone: Cone) -> np.ndarray:
        a, b = (
            np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)
            for ra, dec in (
                (np.radians(self.ra), np.radians(self.dec)),
                (math.radians(cone.ra_deg), math.radians(cone.dec_deg)),
            )
        )
        return 2 * np.arcsin(np.linalg.norm(a - b, axis=-1) / 2) <= math.radians(cone.radius_deg)

    def nearest(self, i: int, n: int, kept: np.ndarray) -> list[tuple[int, float]]:
        """object_id and distance of the n nearest to galaxy i of those kept, without itself.

        Of galaxies that are as far as each other, the one with the smaller object_id comes first.
        """
        distance = self.distances(self.search[i])
        kept = kept & (np.arange(N) != i)
        order = np.flatnonzero(kept)[np.lexsort((self.ids[kept], distance[kept]))][:n]
        return [(int(self.ids[j]), float(distance[j])) for j in order]


def gridded_rows() -> GalaxyRows:
    """N galaxies whose vectors lie on the grid."""
    rows = galaxy_rows(N, seed=0)
    on_grid = (np.round(rows.search / STEP) * STEP).astype(np.float32)
    assert np.ptp(on_grid) < 2**9 * STEP
    return dataclasses.replace(rows, search=on_grid)


def write_all(connection: psycopg.Connection) -> int:
    """Write them as one tile; returns the release_id."""
    survey_id, release_id = fill(connection, 1)
    write_tile(connection, survey_id, release_id, tile_record(content_hash="all"), gridded_rows(), [])
    return release_id


def filled(connection: psycopg.Connection) -> None:
    """A catalogue of N galaxies with its index and statistics."""
    release_id = write_all(connection)
    assert build_search_index(connection, release_id)
    refresh_statistics(connection)


@pytest.fixture
def indexed(connection: psycopg.Connection) -> psycopg.Connection:
    """A catalogue with its vector index and statistics."""
    filled(connection)
    return connection


@pytest.fixture
def by_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the index from 20 galaxies on: this catalogue is small."""
    monkeypatch.setattr(search_module, "MIN_BY_INDEX", 20)
    monkeypatch.setattr(search_module, "SAMPLE", 200)


def answer(connection: psycopg.Connection, wanted: Search) -> list[tuple[int, float]]:
    rows = search(connection, dataclasses.replace(wanted, columns=())).rows
    return [(int(str(row[0])), float(str(row[1]))) for row in rows]


CONES = st.one_of(
    st.none(),
    st.builds(
        Cone,
        st.floats(0, 360, exclude_max=True),
        st.floats(-90, 90),
        st.sampled_from([0, 1e-200, 0.01, 0.1, 1.0, 10.0, 60.0, 180.0]),
    ),
)
MAG = st.one_of(st.none(), st.floats(13, 20, width=32))
SMOOTH = st.one_of(st.none(), st.floats(0, 1, width=32))


@pytest.mark.fuzz
@pytest.mark.usefixtures("by_index")
def test_a_search_never_gives_fewer_rows_than_brute_force_and_the_same_where_it_says_exact(
    indexed: psycopg.Connection,
) -> None:
    sky = Sky()
    recalls, paths = [], set()

    @fuzzing(250)
    @given(st.integers(0, N - 1), st.integers(1, 500), CONES, MAG, SMOOTH, st.booleans())
    def run(
        i: int, n: int, cone: Cone | None, brightest: float | None, smooth: float | None, exact: bool
    ) -> None:
        kept = np.ones(N, bool)
        conditions = []
        if cone is not None:
            kept &= sky.inside(cone)
        if brightest is not None:
            conditions.append(f"mag_r < {brightest!r}::real")
            kept &= sky.mag < np.float32(brightest)
        if smooth is not None:
            conditions.append(f"smooth_or_featured_smooth_fraction > {smooth!r}::real -- a comment")
            kept &= sky.smooth > np.float32(smooth)
        wanted = sky.nearest(i, n, kept)
        query = Search(
            like=(int(sky.ids[i]),), n=n, cone=cone, where="\nAND ".join(conditions), columns=(), exact=exact
        )
        found = search(indexed, query)
        rows = [(int(str(row[0])), float(str(row[1]))) for row in found.rows]
        assert len(rows) == len(wanted)
        assert [row[1] for row in rows] == sorted(row[1] for row in rows)
        assert found.is_exact or not exact
        if found.is_exact:
            assert rows == wanted
        elif wanted:
            recalls.append(len({r[0] for r in rows} & {w[0] for w in wanted}) / len(wanted))
        paths.add((found.is_exact, cone is None or cone.radius_deg >= 60))

    run()
    assert {(True, True), (True, False), (False, True)} <= paths
    assert np.mean(recalls) >= 0.99


@pytest.mark.parametrize("radius", [0.01, 0.1, 1, 10, 60, 180])
@pytest.mark.parametrize("clustered", [False, True])
def test_few_galaxies_are_sorted_and_many_are_walked(
    connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, radius: float, clustered: bool
) -> None:
    monkeypatch.setattr(search_module, "MIN_BY_INDEX", 50)
    filled(connection)
    if clustered:
        connection.execute(
            "WITH moved AS ("
            "  SELECT object_id, row_number() OVER (ORDER BY object_id) AS i FROM galcat.source) "
            "UPDATE galcat.source AS s SET ra = %s + 0.5 * random(), dec = %s + 0.5 * random() "
            "FROM moved WHERE moved.object_id = s.object_id AND moved.i <= %s",
            [*CENTRE, CLUSTERED],
        )
        connection.execute("UPDATE galcat.source SET healpix29 = galcat.healpix_of(ra, dec, 29)")
        refresh_statistics(connection)
    row = connection.execute(
        "SELECT count(*), galcat.galaxies_expected(%s, %s, %s) FROM galcat.source "
        "WHERE galcat.sky_distance(ra, dec, %s, %s) <= %s",
        [*CENTRE, radius, *CENTRE, radius],
    ).fetchone()
    assert row is not None
    inside, expected = row
    assert expected <= 3 * inside + 100  # a guess, but of the right size
    assert expected >= inside / 3 - 100
    found = search(connection, Search(like=(object_id("survey", "g0"),), n=1, cone=Cone(*CENTRE, radius)))
    few = search_module.ROOM * max(50, math.sqrt(N))
    assert found.is_exact == (inside <= few)


def test_a_condition_made_elsewhere_is_one_like_a_text(indexed: psycopg.Connection) -> None:
    like = (int(Sky().ids[3]),)
    made = SqlCondition(sql.SQL("mine.mag_r < %(faintest)s"), {"faintest": 16}, "mine")
    by_text = answer(indexed, Search(like=like, n=30, where="mag_r < 16"))
    assert answer(indexed, Search(like=like, n=30, where=made)) == by_text
    with read_transaction(indexed):
        inside = search_within(indexed, Search(like=like, n=30, where=made, columns=()))
        assert inside.rows == by_text


def test_before_the_first_statistics_all_is_found(connection: psycopg.Connection) -> None:
    write_all(connection)
    sky = Sky()
    found = answer(connection, Search(like=(int(sky.ids[3]),), n=30, where="mag_r < 16"))
    assert found == sky.nearest(3, 30, sky.mag < 16)


def test_galaxies_that_are_as_far_as_each_other_come_in_the_order_of_their_ids(
    indexed: psycopg.Connection,
) -> None:
    sky = Sky()
    wanted = sky.nearest(0, N, np.ones(N, bool))
    distances = [distance for _, distance in wanted]
    assert len(set(distances)) < len(distances)  # the grid makes some equal
    assert answer(indexed, Search(like=(int(sky.ids[0]),), n=N, exact=True)) == wanted


def test_distances_between_any_vectors_are_right_to_single_precision(connection: psycopg.Connection) -> None:
    fill(connection, N)
    rows = galaxy_rows(N, seed=0)
    ids = [object_id("survey", name) for name in rows.survey_source_id]
    stored = rows.search.astype(np.float16).astype(np.float64)
    exact = dict(zip(ids, np.linalg.norm(stored - stored[0], axis=1).tolist(), strict=True))
    found = answer(connection, Search(like=(ids[0],), n=N, exact=True))
    assert {identity for identity, _ in found} == set(ids[1:])
    # 40 additions, a difference and a square, each to half a unit of 24 bits; the root halves the error.
    bound = (40 + 2) / 2 * 2**-24
    off = [abs(distance / exact[identity] - 1) for identity, distance in found]
    assert max(off) <= bound


@pytest.mark.parametrize("n", [1, 10, 200, N - 1, N + 10])
@pytest.mark.usefixtures("by_index")
def test_similar_gives_what_brute_force_gives(indexed: psycopg.Connection, n: int) -> None:
    sky = Sky()
    everything = np.ones(N, bool)
    for i in (0, 17, 1234):
        found = answer(indexed, Search(like=(int(sky.ids[i]),), n=n))
        wanted = sky.nearest(i, n, everything)
        assert len(found) == len(wanted)
        assert len({row[0] for row in found} & {row[0] for row in wanted}) / len(wanted) >= 0.95
        assert answer(indexed, Search(like=(int(sky.ids[i]),), n=n, exact=True)) == wanted


def test_a_vector_finds_its_galaxy_and_several_what_they_share(indexed: psycopg.Connection) -> None:
    sky = Sky()
    found = answer(indexed, Search(like=sky.search[5], n=3))
    assert found[0] == (sky.ids[5], pytest.approx(0, abs=1e-6))
    some, others = (3, 4, 5), (6, 7)
    liked, unliked = sky.stored[list(some)].mean(axis=0), sky.stored[list(others)].mean(axis=0)
    distance = sky.distances(liked + 0.5 * (liked - unliked))
    distance[[*some, *others]] = np.inf
    wanted = [(int(sky.ids[i]), float(distance[i])) for i in np.argsort(distance)[:5]]
    ids = [tuple(int(sky.ids[i]) for i in group) for group in (some, others)]
    found = answer(indexed, Search(like=ids[0], unlike=ids[1], n=5))
    assert [row[0] for row in found] == [row[0] for row in wanted]
    assert [row[1] for row in found] == pytest.approx([row[1] for row in wanted], abs=1e-3)


def test_further_records_of_a_galaxy_are_left_out_on_request(connection: psycopg.Connection) -> None:
    survey_id, release_id = fill(connection, 200)
    first = galaxy_rows(200, seed=0)
    # The next tile has the first 100 galaxies again, an arcsecond off, and looking slightly otherwise.
    again = dataclasses.replace(
        galaxy_rows(100, seed=1, prefix="again"),
        ra=first.ra[:100],
        dec=np.clip(first.dec[:100] + 1 / 3600, -90, 90),
        search=first.search[:100] + np.float32(0.001),
    )
    write_tile(connection, survey_id, release_id, tile_record("next"), again, [])
    refresh_statistics(connection)
    identity = object_id("survey", "g0")
    everything = search(connection, Search(like=(identity,), n=60, columns=("survey_source_id",)))
    distinct = search(
        connection, Search(like=(identity,), n=60, columns=("survey_source_id",), distinct=True)
    )
    names = [str(name).removeprefix("again") for name in everything["survey_source_id"]]
    assert names[0] == "0"  # its own second record looks most like it
    wanted: list[str] = []
    for name in (
        str(name).removeprefix("again").removeprefix("g") for name in everything["survey_source_id"]
    ):
        if name != "0" and name not in wanted:
            wanted.append(name)
    shown = [str(name).removeprefix("again").removeprefix("g") for name in distinct["survey_source_id"]]
    assert len(shown) == 60
    assert shown[: len(wanted)] == wanted
    assert len(set(shown)) == 60
    assert len(search(connection, Search(like=(identity,), n=500, distinct=True))) == 199
    others = run_query(connection, f"SELECT object_id, 3600 * distance FROM galcat.records_of({identity})")
    assert others.rows == [(object_id("survey", "again0"), pytest.approx(1, abs=1e-6))]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Search(like=(12,)), "no galaxy has object_id 12"),
        (Search(like=()), "no galaxy is wanted"),
        (Search(like=(1,), n=0), "n is 0: ask for one galaxy or more"),
        (Search(like=np.zeros(3, np.float32)), "expected 40 dimensions, not 3"),
        (Search(like=np.zeros(40, np.float32), unlike=(1,)), "unlike needs object_ids"),
        (Search(like=np.zeros(40, np.float32), columns=("nosuch",)), "column galaxy.nosuch does not exist"),
        (Search(like=np.zeros(40, np.float32), where="mag_x < 1"), r"mag_x.*with the condition: mag_x < 1"),
        (
            Search(like=np.zeros(40, np.float32), where="mag_r <"),
            r"syntax error.*with the condition: mag_r <",
        ),
        (Search(like=np.zeros(40, np.float32), where="1"), r"must be type boolean.*with the condition: 1"),
        (Search(like=np.zeros(40, np.float32), cone=Cone(1, 91, 1)), "declination 91"),
        (Search(like=np.zeros(40, np.float32), cone=Cone(1, 1, math.nan)), "radius NaN"),
    ],
)
def test_what_cannot_be_searched_is_one_line(
    indexed: psycopg.Connection, wanted: Search, message: str
) -> None:
    with pytest.raises(QueryError, match=message) as error:
        search(indexed, wanted)
    assert "\n" not in str(error.value)


def test_an_unknown_galaxy_is_an_error_that_names_it(indexed: psycopg.Connection) -> None:
    with pytest.raises(QueryError, match="no galaxy has object_id 12"):
        run_query(indexed, "SELECT galcat.morph_distance(12, 12)")
    with pytest.raises(UnknownObjectError, match=r'no galaxy within 3" of \(1.5, 89.5\)'):
        find_galaxy_at(indexed, 1.5, 89.5, 3)
    with pytest.raises(UnknownObjectError, match="object_id 12 has no picture"):
        read_thumbnails(indexed, [12])


def test_a_limit_inside_acts_before_filters_and_neighbours_after(indexed: psycopg.Connection) -> None:
    identity = object_id("survey", "g0")
    inside = run_query(
        indexed,
        f"SELECT count(*) FROM galcat.similar_to({identity}, 50) JOIN galcat.galaxy USING (object_id) "
        "WHERE mag_r < 15",
    )
    outside = run_query(
        indexed,
        "SELECT count(*) FROM (SELECT object_id "
        f"FROM galcat.neighbours({identity}) AS n JOIN galcat.galaxy AS g USING (object_id) "
        "WHERE g.mag_r < 15 ORDER BY n.distance LIMIT 50) AS x",
    )
    assert int(str(inside.rows[0][0])) < 50
    assert outside.rows == [(50,)]


def test_the_index_is_built_once(indexed: psycopg.Connection) -> None:
    assert not build_search_index(indexed, 1)
