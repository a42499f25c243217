"""Answers with pictures, and the dictionary of columns."""

import base64
import csv
import io
import re
from pathlib import Path

import psycopg
import pytest
from PIL import Image

from tests.catalog.web.pictures import draw_blob
from tests.galcat.cli.command_line import Galcat

QUERY = "SELECT object_id, mag_r FROM galcat.galaxy ORDER BY ra LIMIT 6"


@pytest.fixture
def seen(filled: Galcat, database: str) -> dict[int, bytes]:
    """The JPEGs that the made-up galaxies have now, by object_id."""
    del filled  # it has filled the database
    with psycopg.connect(database, autocommit=True) as connection:
        rows = connection.execute("SELECT object_id FROM galcat.thumbnail ORDER BY 1").fetchall()
        pictures = {row[0]: draw_blob(i) for i, row in enumerate(rows)}
        for object_id, jpeg in pictures.items():
            connection.execute(
                "UPDATE galcat.thumbnail SET jpeg = %s WHERE object_id = %s", [jpeg, object_id]
            )
    return pictures


def test_an_answer_is_drawn_on_a_sheet_and_as_a_page_of_its_own(
    filled: Galcat, seen: dict[int, bytes], database: str, tmp_path: Path
) -> None:
    sheet, page = tmp_path / "out.png", tmp_path / "out.html"
    said = filled("sql", QUERY, "--sheet", sheet, "--html", page)
    assert (said.code, said.err) == (0, "")
    with psycopg.connect(database) as connection:
        ids = [row[0] for row in connection.execute(QUERY.encode()).fetchall()]
    with Image.open(sheet) as drawn:
        assert drawn.format == "PNG"
    text = page.read_text(encoding="utf-8")
    found = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', text)
    assert [base64.b64decode(one) for one in found] == [seen[one] for one in ids]
    assert QUERY in text


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("SELECT mag_r FROM galcat.galaxy", "error: the answer has no column 'object_id', only mag_r"),
        ("SELECT 5::bigint AS object_id", "error: no galaxy of the answer has a picture: nothing is drawn"),
    ],
)
def test_what_cannot_be_drawn_is_said_and_no_file_is_made(
    filled: Galcat, tmp_path: Path, query: str, error: str
) -> None:
    said = filled("sql", query, "--sheet", tmp_path / "out.png")
    assert said.code == 1
    assert said.err.startswith(error)
    assert list(tmp_path.glob("out.*")) == []


def test_every_column_is_explained_and_a_word_finds_some(filled: Galcat, database: str) -> None:
    rows = list(csv.DictReader(io.StringIO(filled("columns", "--format", "csv").out)))
    with psycopg.connect(database) as connection:
        names = connection.execute(
            "SELECT btrim(column_name, '\"') FROM tap_schema.columns WHERE table_name = 'galcat.galaxy'"
        ).fetchall()
    assert {row["column"] for row in rows} == {name for (name,) in names}
    found = [row["column"] for row in csv.DictReader(io.StringIO(filled("columns", "bar", "-f", "csv").out))]
    assert "bar_strong_fraction" in found
    assert "mag_r" not in found
    refused = filled("columns", "nonsense")
    assert (refused.code, refused.err) == (
        1,
        "error: no column has to do with 'nonsense': galcat columns lists all\n",
    )
