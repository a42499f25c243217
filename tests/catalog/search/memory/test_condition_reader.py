"""What memory reads of a condition: never less than what Postgres finds by it."""

import numpy as np
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.search.memory.condition import (
    All,
    AnyOf,
    Apart,
    Comparison,
    Condition,
    IsNull,
    Not,
    Unknown,
    is_known,
)
from catalog.search.memory.condition_reader import read_condition
from catalog.search.memory.held_columns import held_columns_query
from catalog.search.memory.possible import find_possible
from catalog.search.memory.rows import HeldRows, read_rows
from tests.sizes import fuzzing

ROUND = "how_rounded_round_fraction"

READ: dict[str, Condition] = {
    "mag_r < 17": Comparison("mag_r", "<", 17, 17),
    "17 >= galaxy.MAG_R": Comparison("mag_r", "<", 17, 17),
    '"mag_r" <> -1.5e1': Comparison("mag_r", "<>", -15.0, -15.0),
    f"{ROUND} > 0.5::real": Comparison(ROUND, ">", 0.5, 0.5),
    f"{ROUND} > 0.3::real": Comparison(ROUND, ">", 0.3, float(np.float32(0.3))),
    "mag_r between 15 and 16": All((Comparison("mag_r", ">", 15, 15), Comparison("mag_r", "<", 16, 16))),
    "object_id in (1, 2)": AnyOf((Comparison("object_id", "=", 1, 1), Comparison("object_id", "=", 2, 2))),
    "mag_g is not null": Not(IsNull("mag_g")),
    "not (ra < 1 or survey = 'sdss')": Not(AnyOf((Comparison("ra", "<", 1, 1), Unknown()))),
    "galcat.cone(ra, dec, 10, -2.5, 1)": Apart(10.0, -2.5, 1.0, is_within=True),
    "galcat.sky_distance(ra, dec, 10, 2) > 1": Apart(10.0, 2.0, 1.0, is_within=False),
}
NOT_READ = [
    "mag_r < '17'",
    "mag_r < 0.7::integer",
    "mag_r < 0.55::numeric(2, 1)",
    "mag_r < 1e999",
    "mag_r - mag_g < 17",
    "mag_r IS DISTINCT FROM 17",
    "mag_r IS TRUE",
    "mag_r = ANY ('{17}')",
    "other.mag_r < 17",
    "galcat.galaxy.mag_r < 17",
    '"MAG_R" < 17',
    "galcat.cone(dec, ra, 10, 2, 1)",
    "galcat.cone(ra, dec, 10, 2, 200)",
    "other.cone(ra, dec, 10, 2, 1)",
    "cone(ra, dec, 10, 2, 1)",
    "healpix29 < 1.5",
    "object_id IN (SELECT object_id FROM galcat.label)",
    "mag_r < (SELECT 17)",
    "mag_r BETWEEN SYMMETRIC 17 AND 16",
    "mag_r < 17 -- OR true",
    "mag_r < 17 /* /* */ OR true */",
    "survey = E'\\' OR mag_r < 17 --'",
    "survey = $$ AND mag_r < 17$$",
    "mag_r < 17) OR (mag_r > 18",
    "mag_r < 17) ORDER BY (1",
    "mag_r < 17) UNION SELECT (1",
    "not a condition at all",
    "",
    "(" * 3000 + "mag_r < 17" + ")" * 3000,
]


@pytest.mark.parametrize("text", READ)
def test_comparisons_and_what_joins_them_are_read(text: str) -> None:
    assert read_condition(text) == READ[text]


@pytest.mark.parametrize("text", NOT_READ)
def test_what_postgres_might_understand_otherwise_is_unknown(text: str) -> None:
    assert read_condition(text) == Unknown()


def test_placeholders_are_read_by_their_values_where_those_are_numbers() -> None:
    text = '"t1"."mag_r" < %(p1)s::integer AND "t1"."survey" = %(p2)s::text AND "t1"."ra" > %(p3)s'
    found = read_condition(text, "t1", {"p1": 17, "p2": "sdss", "p3": -2.5})
    bright, west = Comparison("mag_r", "<", 17, 17), Comparison("ra", ">", -2.5, -2.5)
    assert found == All((All((bright, Unknown())), west))
    assert not is_known(found)
    assert is_known(All((bright, west)))
    assert read_condition('"t1"."ra" < %(p1)s', "t1", {"p1": float("nan")}) == Unknown()
    assert read_condition('"t1"."ra" < %(p1)s', "t1", {"p1": np.float64(3)}) == Comparison(
        "ra", "<", 3.0, 3.0
    )
    assert read_condition("5 %% 2 = 1 AND ra < 1", "t1", {}) == All((Unknown(), Comparison("ra", "<", 1, 1)))


def test_an_alias_is_no_other_tables() -> None:
    assert read_condition("galaxy.ra < 1", "t1") == Unknown()
    assert read_condition("t1.ra < 1", "t1") == Comparison("ra", "<", 1, 1)


LEAVES = st.one_of(
    st.builds(
        "{} {} {}".format,
        st.sampled_from(["mag_r", "mag_g", ROUND, "ra", "dec", "shape_r", "domain_distance"]),
        st.sampled_from(["<", "<=", ">", ">=", "=", "<>", "!="]),
        st.one_of(
            st.integers(-1, 360).map(str),
            st.floats(0, 20, width=32).map("{!r}::real".format),
            st.floats(0, 20).map(repr),
            st.just("'NaN'::real"),
        ),
    ),
    st.builds(
        "galcat.cone(ra, dec, {!r}, {!r}, {!r})".format,
        st.floats(-360, 720),
        st.floats(-90, 90),
        st.sampled_from([0.0, 0.01, 0.2, 1.0, 30.0, 100.0, 180.0]),
    ),
    st.builds(
        "galcat.sky_distance(ra, dec, {!r}, {!r}) {} {!r}".format,
        st.floats(0, 360),
        st.floats(-90, 90),
        st.sampled_from(["<", ">", ">=", "="]),
        st.sampled_from([0.1, 20.0, 90.0]),
    ),
    st.sampled_from(
        [
            "mag_r IS NULL",
            "mag_g IS NOT NULL",
            "survey = 'survey'",
            "mag_r BETWEEN 15 AND 17",
            "mag_r NOT BETWEEN 15 AND 17",
            "object_id IN (1, 2, 3)",
            "mag_r + 1 < 17",
            "true",
            "NULL",
            "healpix29 < 1000000000000000000",
        ]
    ),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds("({}) AND {}".format, inner, inner),
        st.builds("{} OR {}".format, inner, inner),
        st.builds("NOT ({})".format, inner),
        st.builds("NOT {}".format, inner),
    ),
    max_leaves=6,
)


@pytest.mark.fuzz
def test_memory_leaves_out_no_galaxy_that_postgres_finds(filled: psycopg.Connection) -> None:
    with filled.cursor() as cursor:
        rows = read_rows(cursor, held_columns_query())
    assert len(rows) == 400
    kept: list[float] = []

    @fuzzing(200)
    @given(CONDITIONS)
    def run(text: str) -> None:
        found = _found_by_postgres(filled, text)
        possible = set(rows.object_ids[find_possible(read_condition(text), rows)].tolist())
        assert found <= possible
        if is_known(read_condition(text)):
            kept.append(len(possible) - len(found))

    run()
    assert np.mean(kept) < 1  # and hardly any that it does not find


def _found_by_postgres(connection: psycopg.Connection, text: str) -> set[int]:
    query = f"SELECT object_id FROM galcat.galaxy WHERE ({text}\n)"
    return {row[0] for row in connection.execute(query.encode()).fetchall()}


def test_a_number_that_is_none_counts_as_the_largest_as_in_postgres(connection: psycopg.Connection) -> None:
    from tests.catalog.galaxies import fill  # noqa: PLC0415 - a catalogue of its own, which is changed

    fill(connection, 5)
    connection.execute("UPDATE galcat.source SET mag_r = 'NaN', mag_g = NULL")
    with connection.cursor() as cursor:
        rows: HeldRows = read_rows(cursor, held_columns_query())
    for text in ("mag_r > 17", "mag_r <> 17", "NOT mag_r < 17", "mag_g IS NULL", "NOT mag_r = 1"):
        assert len(_found_by_postgres(connection, text)) == 5, text
        assert find_possible(read_condition(text), rows).all(), text
    for text in ("mag_r < 17", "mag_g < 17", "mag_g <> 17", "NOT mag_g < 17"):
        assert not _found_by_postgres(connection, text), text
        assert not find_possible(read_condition(text), rows).any(), text
