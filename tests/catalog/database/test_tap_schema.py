"""TAP_SCHEMA describes exactly what is published, itself too, in the words of the standards."""

import astropy.units as u
import psycopg
import pytest
from astropy.io.votable.ucd import parse_ucd

from catalog.adql.published import PublishedColumn, PublishedTable
from catalog.columns import ColumnMeta
from catalog.database.connection import connect
from catalog.database.migrate import migrate
from catalog.tap.database.load_published import load_published, read_published_stamp
from catalog.tasks.tasks import add_task, hide_task, show_task
from tests.catalog.galaxies import fill
from tests.catalog.tasks.scored_tasks import KIND, ODD, RING, columns, write_random_scores

TAP_1_1 = {
    "tap_schema.schemas": {
        "schema_name": "char",
        "utype": "char",
        "description": "unicodeChar",
        "schema_index": "int",
    },
    "tap_schema.tables": {
        "schema_name": "char",
        "table_name": "char",
        "table_type": "char",
        "utype": "char",
        "description": "unicodeChar",
        "table_index": "int",
    },
    "tap_schema.columns": {
        "table_name": "char",
        "column_name": "char",
        "datatype": "char",
        "arraysize": "char",
        "xtype": "char",
        '"size"': "int",
        "description": "unicodeChar",
        "utype": "char",
        "unit": "char",
        "ucd": "char",
        "indexed": "int",
        "principal": "int",
        "std": "int",
        "column_index": "int",
    },
    "tap_schema.keys": {
        "key_id": "char",
        "from_table": "char",
        "target_table": "char",
        "description": "unicodeChar",
        "utype": "char",
    },
    "tap_schema.key_columns": dict.fromkeys(["key_id", "from_column", "target_column"], "char"),
}
OBSCORE_1_1 = [
    "dataproduct_type",
    "calib_level",
    "obs_collection",
    "obs_id",
    "obs_publisher_did",
    "access_url",
    "access_format",
    "access_estsize",
    "target_name",
    "s_ra",
    "s_dec",
    "s_fov",
    "s_region",
    "s_resolution",
    "s_xel1",
    "s_xel2",
    "t_min",
    "t_max",
    "t_exptime",
    "t_resolution",
    "t_xel",
    "em_min",
    "em_max",
    "em_res_power",
    "em_xel",
    "o_ucd",
    "pol_states",
    "pol_xel",
    "facility_name",
    "instrument_name",
]


@pytest.fixture
def public(connection: psycopg.Connection) -> psycopg.Connection:
    """50 galaxies, three tasks with columns and a label; acts as a stranger."""
    fill(connection, 50)
    for task in (RING, KIND, ODD):
        add_task(connection, task)
        show_task(connection, task.name)
    connection.execute(
        "INSERT INTO galcat.label (task, object_id, answer) "
        "SELECT 'ring', min(object_id), 'yes' FROM galcat.source"
    )
    connection.execute("SET ROLE galcat_public")
    connection.execute("SET search_path = ''")
    return connection


def table(connection: psycopg.Connection, name: str) -> PublishedTable:
    return next(t for t in load_published(connection).tables if f"{t.schema}.{t.name}" == name)


def read_description(connection: psycopg.Connection, name: str, column: str) -> PublishedColumn:
    return next(c for c in table(connection, name).columns if c.stored_as == column)


def test_every_column_that_is_described_can_be_selected_and_no_other(public: psycopg.Connection) -> None:
    for shown in load_published(public).tables:
        relation = ".".join(shown.relation)
        there = [
            c.name for c in public.execute(f"SELECT * FROM {relation} LIMIT 0".encode()).description or []
        ]
        hidden = [shown.search_column] if shown.search_column else []
        assert [c.stored_as for c in shown.columns] == [name for name in there if name not in hidden], (
            relation
        )


def test_the_schemas_are_described(public: psycopg.Connection) -> None:
    published = load_published(public)
    assert list(published.schemas) == ["galcat", "ivoa", "tap_schema"]
    assert all(published.schemas.values())
    assert [t.search_column for t in published.tables if t.name == "galaxy"] == ["search"]
    assert {t.search_column for t in published.tables if t.name != "galaxy"} == {""}


def test_every_column_has_a_description_a_valid_unit_and_a_valid_ucd(public: psycopg.Connection) -> None:
    for shown in load_published(public).tables:
        assert shown.description
        for column in shown.columns:
            meta = column.meta
            assert meta.description, meta
            assert "[" not in meta.description
            u.Unit(meta.unit, format="vounit")
            if shown.schema != "tap_schema":
                assert parse_ucd(meta.ucd, check_controlled_vocabulary=True, has_colon=False), meta


@pytest.mark.parametrize("word", ["pos.eq.ra;meta.main", "pos.eq.dec;meta.main", "meta.id;meta.main"])
def test_a_table_has_at_most_one_main_column_of_a_kind(public: psycopg.Connection, word: str) -> None:
    with_one = set()
    for shown in load_published(public).tables:
        main = [column.stored_as for column in shown.columns if column.meta.ucd == word]
        assert len(main) <= 1
        with_one |= {shown.name} if main else set()
    assert with_one >= {"galaxy", "tile"}


def test_types_are_those_of_votable(public: psycopg.Connection) -> None:
    def meta(name: str, column: str) -> tuple[str, str, str]:
        found = read_description(public, name, column).meta
        return found.datatype, found.arraysize, found.xtype

    assert meta("galcat.galaxy", "object_id") == ("long", "", "")
    assert meta("galcat.galaxy", "mag_r") == ("float", "", "")
    assert meta("galcat.galaxy", "ra") == ("double", "", "")
    assert meta("galcat.galaxy", "survey") == ("char", "*", "")
    assert meta("galcat.task", "question") == ("unicodeChar", "*", "")  # in the words of whoever asks
    assert meta("galcat.release", "view_set") == ("short", "", "")
    assert meta("galcat.release", "dimension") == ("int", "", "")
    assert meta("galcat.release", "is_current") == ("boolean", "", "")
    assert meta("galcat.release", "created_at") == ("char", "*", "timestamp")
    assert meta("galcat.embedding", "search") == ("float", "40", "")
    assert meta("galcat.embedding", "vector") == ("float", "*", "")
    assert meta("galcat.tile", "s_region") == ("double", "*", "polygon")
    # As ObsCore has it, and stilts taplint wants it: text.
    assert meta("ivoa.obscore", "s_region") == ("char", "*", "adql:REGION")


def test_size_agrees_with_arraysize(public: psycopg.Connection) -> None:
    rows = public.execute("SELECT column_name, arraysize, size FROM tap_schema.columns").fetchall()
    for name, arraysize, size in rows:
        assert size == (None if arraysize in {None, "*"} else int(arraysize)), name


def test_tap_schema_describes_itself_as_the_standard_does(public: psycopg.Connection) -> None:
    rows = public.execute(
        "SELECT table_name, column_name, datatype, arraysize, std FROM tap_schema.columns "
        "WHERE table_name LIKE 'tap\\_schema.%' ORDER BY table_name, column_index"
    ).fetchall()
    found: dict[str, dict[str, str]] = {}
    for name, column, datatype, arraysize, std in rows:
        assert (arraysize, std) == ("*" if datatype in {"char", "unicodeChar"} else None, 1)
        found.setdefault(name, {})[column] = datatype
    assert found == TAP_1_1
    assert read_description(public, "tap_schema.columns", "size").meta.name == "size"


def test_obscore_has_its_mandatory_columns_with_utypes(public: psycopg.Connection) -> None:
    rows = public.execute(
        "SELECT column_name, utype, std FROM tap_schema.columns "
        "WHERE table_name = 'ivoa.obscore' ORDER BY column_index"
    ).fetchall()
    assert [row[0] for row in rows] == OBSCORE_1_1
    assert all(utype.startswith("obscore:") and std == 1 for _, utype, std in rows)
    assert [c.meta.utype for c in table(public, "ivoa.obscore").columns] == [row[1] for row in rows]
    meta = {
        c.stored_as: (c.meta.datatype, c.meta.unit, c.meta.ucd) for c in table(public, "ivoa.obscore").columns
    }
    assert meta["access_estsize"] == ("long", "kbyte", "phys.size;meta.file")
    assert meta["calib_level"] == ("int", "", "meta.code;obs.calib")
    assert meta["t_min"] == ("double", "d", "time.start;obs.exposure")
    assert meta["em_min"] == ("double", "m", "em.wl;stat.min")
    assert meta["s_resolution"] == ("double", "arcsec", "pos.angResolution")


def test_foreign_keys_lead_from_columns_that_are_there_to_others_of_their_type(
    public: psycopg.Connection,
) -> None:
    types = {
        (f"{t.schema}.{t.name}", c.stored_as): c.meta.datatype
        for t in load_published(public).tables
        for c in t.columns
    }
    links = public.execute(
        "SELECT k.from_table, c.from_column, k.target_table, c.target_column "
        "FROM tap_schema.keys AS k LEFT JOIN tap_schema.key_columns AS c USING (key_id)"
    ).fetchall()
    for from_table, from_column, target_table, target_column in links:
        assert types[from_table, from_column] == types[target_table, target_column]
    assert ("galcat.label", "task", "galcat.task", "name") in links
    orphans = public.execute(
        "SELECT key_id FROM tap_schema.key_columns WHERE key_id NOT IN (SELECT key_id FROM tap_schema.keys)"
    ).fetchall()
    assert orphans == []


def test_what_a_foreign_key_points_to_is_there(public: psycopg.Connection) -> None:
    for shown in public.execute(
        "SELECT k.from_table, k.target_table, array_agg(c.from_column ORDER BY c.from_column), "
        "array_agg(c.target_column ORDER BY c.from_column) "
        "FROM tap_schema.keys AS k JOIN tap_schema.key_columns AS c USING (key_id) GROUP BY k.key_id, 1, 2"
    ).fetchall():
        stored = [".".join(table(public, name).relation) for name in shown[:2]]
        own, others = (
            f"SELECT {', '.join(names)} FROM {relation}"
            for names, relation in zip(shown[2:], stored, strict=True)
        )
        query = f"SELECT count(*) FROM ({own} EXCEPT {others}) AS x"
        assert public.execute(query.encode()).fetchone() == (0,), shown


def test_a_column_that_is_called_indexed_has_an_index(public: psycopg.Connection) -> None:
    indexed = {c.stored_as for c in table(public, "galcat.galaxy").columns if c.is_indexed}
    assert indexed - {name for name in indexed if name.endswith("_fraction")} == {
        *("object_id", "ra", "dec", "healpix29", "mag_r")
    }
    assert sum(name.endswith("_fraction") for name in indexed) == 34
    assert not read_description(public, "galcat.tile", "name").is_indexed


def test_a_tasks_columns_are_described_as_soon_as_they_are_there(public: psycopg.Connection) -> None:
    shown = table(public, "galcat.galaxy")
    assert [c.stored_as for c in shown.columns] == [name for name in columns(public) if name != "search"]
    assert read_description(public, "galcat.galaxy", "ring_probability") == PublishedColumn(
        ColumnMeta(
            "ring_probability",
            "float",
            ucd="stat.probability;src.class",
            description="Probability of yes to: Has it a ring?",
        ),
        "ring_probability",
        is_principal=True,
    )
    assert read_description(public, "galcat.galaxy", "odd_interest").meta.ucd == "stat.value"
    assert read_description(public, "galcat.galaxy", "kind_disk_uncertainty").meta.ucd == "stat.stdev"


def test_the_stamp_changes_with_the_columns_and_their_meaning_and_with_nothing_else(database: str) -> None:
    with connect(database, autocommit=True) as connection, connect(database, autocommit=True) as reader:
        fill(connection, 50)
        reader.execute("SET ROLE galcat_public")
        seen = [read_published_stamp(reader)]
        connection.execute("UPDATE galcat.source SET mag_r = 17")
        assert read_published_stamp(reader) == seen[0]
        add_task(connection, RING)
        show_task(connection, "ring")
        seen.append(read_published_stamp(reader))
        write_random_scores(connection, RING)
        seen.append(read_published_stamp(reader))
        write_random_scores(connection, RING, seed=1)
        seen.append(read_published_stamp(reader))
        hide_task(connection, "ring")
        seen.append(read_published_stamp(reader))
        connection.execute("COMMENT ON COLUMN galcat_tap.survey.bands IS 'Something else [-]'")
        seen.append(read_published_stamp(reader))
        assert len(set(seen)) == len(seen)


def test_applying_the_files_again_changes_nothing_of_what_is_published(
    database: str, public: psycopg.Connection
) -> None:
    before = load_published(public), read_published_stamp(public)
    public.execute("RESET ROLE")
    public.execute("UPDATE galcat.schema_history SET sha256 = 'old' WHERE file NOT LIKE 'migrations/%'")
    migrate(database)
    public.execute("SET ROLE galcat_public")
    assert (load_published(public), read_published_stamp(public)) == before


def test_every_relation_of_the_service_has_comments_that_end_with_a_unit(
    connection: psycopg.Connection,
) -> None:
    silent = connection.execute(
        "SELECT c.oid::regclass::text, a.attname "
        "FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid "
        "WHERE c.relnamespace::regnamespace::text IN ('galcat_tap', 'tap_schema', 'ivoa') "
        "AND c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped "
        "AND (obj_description(c.oid, 'pg_class') IS NULL "
        "OR col_description(c.oid, a.attnum) IS NULL OR col_description(c.oid, a.attnum) !~ ' \\[.+\\]$')"
    ).fetchall()
    assert silent == []
