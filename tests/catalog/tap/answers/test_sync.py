import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import psycopg
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table

from catalog.adql.published import Published
from catalog.adql.translate import translate
from catalog.adql.translation import Translation
from catalog.tap.limits import ServiceLimits
from catalog.tap.queries import run_query
from tests.catalog.tap.tap_server import TapServer, serving, statuses, votable

COLUMNS = "object_id, ra, dec, mag_r, survey, survey_source_id, disk_edge_on_yes_fraction"
QUERY = f"SELECT {COLUMNS} FROM galcat.galaxy ORDER BY object_id"
Rows = list[tuple[object, ...]]


def read_stored(served: TapServer, n: int) -> Rows:
    with psycopg.connect(served.database) as connection:
        return connection.execute(
            f"SELECT {COLUMNS} FROM galcat.galaxy ORDER BY object_id LIMIT {n}"
        ).fetchall()


def read_votable(content: bytes) -> Rows:
    return read_table(Table.read(io.BytesIO(content), format="votable"))


def read_table(table: Table) -> Rows:
    return [
        tuple(
            None if value is np.ma.masked else value.decode() if isinstance(value, bytes) else value
            for value in (row[name] for name in table.colnames)
        )
        for row in table
    ]


def read_fits(content: bytes) -> Rows:
    return read_table(Table.read(io.BytesIO(content), format="fits"))


def read_parquet(content: bytes) -> Rows:
    return [tuple(row.values()) for row in pq.read_table(io.BytesIO(content)).to_pylist()]


def read_text(content: bytes, delimiter: str) -> Rows:
    types = (int, float, float, float, str, str, float)
    lines = list(csv.reader(io.StringIO(content.decode()), delimiter=delimiter))
    assert lines[0] == COLUMNS.split(", ")
    return [
        tuple(kind(text) if text else None for kind, text in zip(types, line, strict=True))
        for line in lines[1:]
    ]


READERS = {
    "votable": read_votable,
    "votable/td": read_votable,
    "csv": lambda content: read_text(content, ","),
    "tsv": lambda content: read_text(content, "\t"),
    "json": lambda content: [tuple(row) for row in json.loads(content)["data"]],
    "fits": read_fits,
    "parquet": read_parquet,
}


def says_cut(answer: httpx.Response, form: str) -> bool:
    if form.startswith("votable"):
        return statuses(answer) == ["OK", "OVERFLOW"]
    if form == "json":
        return bool(json.loads(answer.content)["overflow"])
    if form == "fits":
        return bool(fits.open(io.BytesIO(answer.content))[1].header["OVERFLOW"])
    if form == "parquet":
        head = pq.read_metadata(io.BytesIO(answer.content)).metadata[b"IVOA.VOTable-Parquet.content"]
        return b"OVERFLOW" in head
    return answer.headers["x-galcat-overflow"] == "true"


def require_same(shown: Rows, expected: Rows) -> None:
    assert len(shown) == len(expected)
    for got, wanted in zip(shown, expected, strict=True):
        for one, other in zip(got, wanted, strict=True):
            if other is None or isinstance(other, float):
                numbers = [np.nan if value is None else float(str(value)) for value in (one, other)]
                np.testing.assert_allclose(*numbers, rtol=1e-6)
            else:
                assert one == other


@pytest.mark.parametrize("form", READERS)
def test_every_format_gives_the_rows_of_the_catalogue(served: TapServer, form: str) -> None:
    answer = served.ask(QUERY, MAXREC="40", RESPONSEFORMAT=form)
    assert answer.status_code == 200
    require_same(READERS[form](answer.content), read_stored(served, 40))


@pytest.mark.parametrize("form", READERS)
def test_every_format_says_whether_it_was_cut(served: TapServer, form: str) -> None:
    cut = served.ask(QUERY, MAXREC="7", FORMAT=form)
    whole = served.ask(QUERY.replace("SELECT", "SELECT TOP 7"), MAXREC="7", FORMAT=form)
    assert (says_cut(cut, form), says_cut(whole, form)) == (True, False)
    for answer in (cut, whole):
        require_same(READERS[form](answer.content), read_stored(served, 7))


@pytest.mark.parametrize("form", READERS)
def test_maxrec_0_gives_the_columns_alone_and_says_that_there_may_be_rows(
    served: TapServer, form: str
) -> None:
    answer = served.ask(QUERY, MAXREC="0", FORMAT=form)
    assert READERS[form](answer.content) == []
    assert says_cut(answer, form)


def test_columns_are_the_same_with_rows_without_and_where_there_are_none(served: TapServer) -> None:
    query = (
        "SELECT object_id, ra, mag_r * 2 AS twice, COUNT(*) AS OVER_ALL FROM galcat.galaxy "
        "GROUP BY object_id, ra, mag_r"
    )
    answers = [
        served.ask(query, MAXREC="3"),
        served.ask(query, MAXREC="0"),
        served.ask(query.replace("GROUP", "WHERE ra < 0 GROUP")),
    ]
    fields = [
        [
            (f.name, f.datatype, f.arraysize, str(f.unit), f.ucd)
            for f in votable(answer).get_first_table().fields
        ]
        for answer in answers
    ]
    assert fields[0] == fields[1] == fields[2]
    assert [field[:2] for field in fields[0]] == [
        ("object_id", "long"),
        ("ra", "double"),
        ("twice", "double"),
        ("OVER_ALL", "long"),
    ]


def test_without_maxrec_the_usual_number_is_given_or_what_top_asks_for_up_to_the_limit(
    served: TapServer,
) -> None:
    def rows_and_statuses(query: str) -> tuple[int, list[str]]:
        answer = served.ask(query)
        return len(votable(answer).get_first_table().array), statuses(answer)

    assert rows_and_statuses(QUERY) == (50, ["OK", "OVERFLOW"])
    assert rows_and_statuses(QUERY.replace("SELECT", "SELECT TOP 60")) == (60, ["OK"])
    assert rows_and_statuses(QUERY.replace("SELECT", "SELECT TOP 250")) == (200, ["OK", "OVERFLOW"])


@pytest.mark.parametrize("top", ["", "TOP 10", "TOP 60", "TOP 250"])
def test_a_query_is_translated_once_whatever_its_top(
    served: TapServer, monkeypatch: pytest.MonkeyPatch, top: str
) -> None:
    translated = []

    def count(
        text: str, published: Published, max_rows: int, language: str, *, default_rows: int
    ) -> Translation:
        translated.append(text)
        return translate(text, published, max_rows, language, default_rows)

    monkeypatch.setattr(run_query, "translate", count)
    query = QUERY.replace("SELECT", f"SELECT {top}")
    assert served.ask(query).status_code == 200
    assert translated == [query]


def test_names_of_parameters_have_any_case_and_may_stand_in_the_url(served: TapServer) -> None:
    url = f"{served.url}/tap/sync"
    query = "SELECT COUNT(*) AS n FROM galcat.galaxy"
    answers = [
        httpx.get(url, params={"query": query, "Lang": "adql-2.1", "request": "DOQUERY", "format": "CSV"}),
        httpx.post(url, data={"Query": query, "LANG": "ADQL-2.0", "responseFormat": "text/csv"}),
        httpx.post(url, params={"LANG": "ADQL", "format": "csv"}, data={"query": query}),
        httpx.post(url, files={"QUERY": (None, query), "FORMAT": (None, "csv")}),
    ]
    assert [answer.text.split() for answer in answers] == [["n", "300"]] * 4


RA = "SELECT ra FROM galcat.galaxy"
NUMBER = "expected a whole number, 0 or more"


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({}, "QUERY is missing: the text of the query"),
        ({"QUERY": RA, "LANG": "PQL"}, "LANG is 'PQL': expected ADQL or ADQL-2.0 or ADQL-2.1"),
        ({"QUERY": RA, "REQUEST": "getCapabilities"}, "REQUEST is 'getCapabilities': expected doQuery"),
        ({"QUERY": RA, "FORMAT": "doc"}, "no format 'doc'"),
        ({"QUERY": RA, "MAXREC": "-1"}, f"MAXREC is '-1': {NUMBER}"),
        ({"QUERY": RA, "MAXREC": "1e3"}, f"MAXREC is '1e3': {NUMBER}"),
        ({"QUERY": RA, "MAXREC": "9" * 30}, f"MAXREC is '{'9' * 30}': {NUMBER}"),
        ({"QUERY": [RA, "SELECT 2"]}, "QUERY is given 2 times with different values"),
        ({"QUERY": RA, "UPLOAD": "t,http://example.org/t.xml"}, "UPLOAD names 'http://example.org/t.xml'"),
        ({"QUERY": RA, "UPLOAD": "t,param:none"}, "UPLOAD names the part 'none'"),
        ({"QUERY": f"{RA} WHERE survey = '{'x' * 200_000}'"}, "QUERY is longer than 200,000 bytes"),
        ({"QUERY": RA.replace("ra", "mag_rr")}, "no column 'mag_rr' in galcat.galaxy; did you mean mag_r?"),
        ({"QUERY": f"{RA}; DROP TABLE galcat.source"}, "line 1, column "),
        ({"QUERY": RA.replace("ra", "SQRT(-1 - object_id)")}, "square root of a negative number"),
        ({"QUERY": RA.replace("ra", "TOP 2 ra") + " ORDER BY morph_distance(object_id, 7)"}, "7"),
    ],
)
def test_what_the_client_did_wrong_is_a_votable_with_status_400(
    served: TapServer, parameters: dict[str, str], says: str
) -> None:
    answer = httpx.post(f"{served.url}/tap/sync", data=parameters)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/x-votable+xml")
    (info,) = votable(answer).resources[0].infos
    assert (info.name, info.value) == ("QUERY_STATUS", "ERROR")
    assert says in info.content
    assert "\n" not in info.content


@pytest.mark.parametrize(
    "query", ["SELECT ra FROM galcat.galaxy WHERE survey = '\0'", "\0", "\ud800", "é" * 99]
)
def test_odd_characters_are_never_our_fault(served: TapServer, query: str) -> None:
    body = b"QUERY=" + "".join(f"%{byte:02X}" for byte in query.encode(errors="surrogatepass")).encode()
    answer = httpx.post(
        f"{served.url}/tap/sync", content=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 400
    assert statuses(answer) == ["ERROR"]


def test_a_broken_or_huge_form_is_refused(served: TapServer) -> None:
    url, form = f"{served.url}/tap/sync", {"Content-Type": "multipart/form-data; boundary=x"}
    broken = httpx.post(url, content=b"--y\r\nnonsense", headers=form)
    # Files may be long; a form without files is held in memory.
    file = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n' + b"x" * 30_000_000
    huge = httpx.post(url, content=file, headers=form)
    long = httpx.post(url, data={f"a{i}": "x" * 30_000 for i in range(90)})
    assert [answer.status_code for answer in (broken, huge, long)] == [400, 400, 400]
    assert "the request is longer than 25,000,000 bytes" in huge.text
    assert "the request is longer than 2,400,000 bytes" in long.text


def test_other_paths_and_methods_are_votables_too(served: TapServer) -> None:
    missing, wrong = httpx.get(f"{served.url}/tap/nothing"), httpx.put(f"{served.url}/tap/sync")
    assert [(answer.status_code, statuses(answer)) for answer in (missing, wrong)] == [
        (404, ["ERROR"]),
        (405, ["ERROR"]),
    ]


def test_gzip_is_sent_to_whom_takes_it(served: TapServer) -> None:
    packed = httpx.get(f"{served.url}/tap/sync", params={"QUERY": QUERY}, headers={"Accept-Encoding": "gzip"})
    plain = httpx.get(
        f"{served.url}/tap/sync", params={"QUERY": QUERY}, headers={"Accept-Encoding": "gzip;q=0"}
    )
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < len(plain.content)


def test_pages_of_other_sites_may_ask(served: TapServer) -> None:
    origin = {"Origin": "https://aladin.example.org"}
    answer = httpx.get(f"{served.url}/tap/sync", params={"QUERY": QUERY, "FORMAT": "csv"}, headers=origin)
    asked = httpx.options(
        f"{served.url}/tap/async", headers=origin | {"Access-Control-Request-Method": "POST"}
    )
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "x-galcat-overflow" in answer.headers["access-control-expose-headers"].lower()
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, "*")


def test_the_nearest_by_morph_distance_are_those_of_brute_force(served: TapServer) -> None:
    with psycopg.connect(served.database) as connection:
        rows = connection.execute(
            "SELECT object_id, search::real[] FROM galcat.galaxy ORDER BY object_id"
        ).fetchall()
    ids, vectors = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    distances = np.linalg.norm(vectors - vectors[17], axis=1)
    nearest = ids[np.argsort(distances)[:5]].tolist()
    answer = served.ask(
        f"SELECT TOP 5 object_id, morph_distance(object_id, {ids[17]}) AS d FROM galcat.galaxy ORDER BY d",
        FORMAT="json",
    )
    shown = json.loads(answer.content)["data"]
    assert [row[0] for row in shown] == nearest
    np.testing.assert_allclose([row[1] for row in shown], np.sort(distances)[:5], atol=1e-3)


def test_an_error_after_the_first_rows_is_told_in_the_file_where_the_format_can(
    galaxies: str, tmp_path: Path, limits: ServiceLimits
) -> None:
    with psycopg.connect(galaxies) as connection:
        rows = connection.execute("SELECT object_id FROM galcat.galaxy").fetchall()  # as they lie on disk
    query = (
        f"SELECT a.object_id, 1 / (CASE WHEN a.object_id = {rows[-1][0]} AND b.object_id = {rows[-1][0]} "
        "THEN 0 ELSE 1 END) AS one FROM galcat.galaxy AS a CROSS JOIN galcat.galaxy AS b"
    )
    many = replace(limits, rows=200_000, max_rows=200_000)
    with serving(galaxies, tmp_path, many) as served:
        answers = {form: served.ask(query, FORMAT=form) for form in ("votable", "json", "csv", "fits")}
    assert {form: answer.status_code for form, answer in answers.items()} == {
        "votable": 200,
        "json": 200,
        "csv": 400,
        "fits": 400,
    }
    assert statuses(answers["votable"]) == ["OK", "ERROR"]
    assert 10_000 < len(votable(answers["votable"]).get_first_table().array) < 90_000
    assert json.loads(answers["json"].content)["error"] == "division by zero"
    assert statuses(answers["csv"]) == statuses(answers["fits"]) == ["ERROR"]
