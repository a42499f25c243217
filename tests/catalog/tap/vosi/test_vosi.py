import http.client
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, tostring

import httpx
import psycopg
import pytest
from defusedxml.ElementTree import fromstring

from catalog.adql.functions.registry import USER_FUNCTIONS
from catalog.formats.choose import FORMATS, choose
from catalog.tap.limits import ServiceLimits
from tests.catalog.tap.tap_server import TapServer, statuses

TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


def document(served: TapServer, path: str, **parameters: str) -> Element:
    answer = httpx.get(f"{served.url}/tap/{path}", params=parameters)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/xml")
    return fromstring(answer.content)


def texts(parent: Element, *names: str) -> tuple[str | None, ...]:
    return tuple(parent.findtext(name) for name in names)


def test_tables_says_what_tap_schema_says(served: TapServer) -> None:
    tables = document(served, "tables")
    shown = [
        (
            *texts(table, "name"),
            *texts(column, "name", "description", "unit", "ucd", "utype", "dataType"),
            kind.get("arraysize"),
            kind.get("extendedType"),
            column.get("std") == "true",
            "indexed" in {flag.text for flag in column.findall("flag")},
            "primary" in {flag.text for flag in column.findall("flag")},
        )
        for table in tables.iter("table")
        for column in table.findall("column")
        for kind in column.findall("dataType")
    ]
    with psycopg.connect(served.database) as connection:
        expected = connection.execute(
            "SELECT table_name, column_name, c.description, unit, ucd, c.utype, datatype, arraysize, xtype, "
            "std = 1, indexed = 1, principal = 1 FROM tap_schema.columns AS c "
            "JOIN tap_schema.tables AS t USING (table_name) ORDER BY table_index, column_index"
        ).fetchall()
    assert shown == expected
    assert len(shown) > 100


def test_tables_says_which_columns_point_to_other_tables(served: TapServer) -> None:
    table = document(served, "tables/galcat.tile")
    (key,) = table.findall("foreignKey")
    assert texts(key, "targetTable", "fkColumn/fromColumn", "fkColumn/targetColumn") == (
        "galcat.survey",
        "survey",
        "name",
    )


def test_detail_min_leaves_the_columns_out_and_max_does_not(served: TapServer) -> None:
    counts = {
        detail: [
            len(list(document(served, "tables", detail=detail).iter(name))) for name in ("table", "column")
        ]
        for detail in ("min", "max")
    }
    assert counts["min"][0] == counts["max"][0]
    assert counts["min"][1] == 0 < counts["max"][1]
    assert httpx.get(f"{served.url}/tap/tables", params={"detail": "some"}).status_code == 400


@pytest.mark.parametrize("name", ["galcat.galaxy", "TAP_SCHEMA.columns", "ivoa.obscore"])
def test_one_table_is_the_same_as_among_all(served: TapServer, name: str) -> None:
    one = document(served, f"tables/{name}")
    (among,) = [t for t in document(served, "tables").iter("table") if t.findtext("name") == name.lower()]
    assert [tostring(part) for part in one] == [tostring(part) for part in among]


def test_a_table_that_is_not_there_is_a_404(served: TapServer) -> None:
    answer = httpx.get(f"{served.url}/tap/tables/galcat.source")
    assert (answer.status_code, statuses(answer)) == (404, ["ERROR"])


def test_only_a_client_without_a_name_gets_the_flags_of_esa(served: TapServer) -> None:
    place = urlsplit(served.url)
    assert place.hostname
    connection = http.client.HTTPConnection(place.hostname, place.port)
    connection.request("GET", "/tap/tables")
    flagged = connection.getresponse().read().decode()
    connection.close()
    named = httpx.get(f"{served.url}/tap/tables").text
    assert flagged.count('<column esatapplus:flags="0" ') == named.count("<column ") > 100
    assert "esatapplus" not in named


def test_capabilities_declares_languages_functions_formats_and_limits(
    served: TapServer, limits: ServiceLimits
) -> None:
    (tap, *others) = document(served, "capabilities").findall("capability")
    assert (tap.get("standardID"), tap.get(TYPE)) == ("ivo://ivoa.net/std/TAP", "tr:TableAccess")
    assert tap.findtext("interface/accessURL") == f"{served.url}/tap"
    assert [version.text for version in tap.findall("language/version")] == ["2.0", "2.1"]
    features = {
        str(group.get("type")).partition("#features-")[2]: [form.text for form in group.iter("form")]
        for group in tap.iter("languageFeatures")
    }
    assert features["udf"] == [function.signature for function in USER_FUNCTIONS]
    assert any(str(form).startswith("morph_distance(") for form in features["udf"])
    assert {"adqlgeo", "adql-string", "adql-sets", "adql-common-table", "adql-unit"} <= set(features)
    mimes = [str(mime.text) for mime in tap.findall("outputFormat/mime")]
    assert {choose(mime).name for mime in mimes} == {form.name for form in FORMATS}
    for name, usual, most in (
        ("executionDuration", limits.job_seconds, limits.max_job_seconds),
        ("outputLimit", limits.rows, limits.max_rows),
        ("uploadLimit", limits.upload_bytes, limits.upload_bytes),
        ("retentionPeriod", limits.job_days * 86_400, limits.max_job_days * 86_400),
    ):
        (limit,) = tap.findall(name)
        assert texts(limit, "default", "hard") == (str(usual), str(most))
    for other in others:
        url = str(other.findtext("interface/accessURL"))
        assert httpx.get(url).status_code == 200, url
    assert {other.get("standardID") for other in others} == {
        "ivo://ivoa.net/std/VOSI#capabilities",
        "ivo://ivoa.net/std/VOSI#availability",
        "ivo://ivoa.net/std/VOSI#tables-1.1",
        "ivo://ivoa.net/std/DALI#examples",
    }


def test_availability_follows_the_database(served: TapServer) -> None:
    def available() -> str | None:
        return document(served, "availability").findtext("{*}available")

    assert available() == "true"
    with psycopg.connect(served.database, autocommit=True) as connection:
        connection.execute("REVOKE USAGE ON SCHEMA tap_schema FROM galcat_public")
        assert available() == "false"
        connection.execute("GRANT USAGE ON SCHEMA tap_schema TO galcat_public")
    assert available() == "true"


def test_the_root_leads_to_the_capabilities(served: TapServer) -> None:
    assert httpx.get(served.url, follow_redirects=True).url == f"{served.url}/tap/capabilities"
