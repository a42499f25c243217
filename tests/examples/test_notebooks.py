"""The notebooks of examples/ run from the first cell to the last."""

import json
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import numpy as np
import psycopg
import pytest
from PIL import Image

from catalog.releases.releases import build_search_index, refresh_statistics
from tests.catalog.galaxies import fill

FOLDER = Path(__file__).resolve().parents[2] / "examples"
N = 300


@pytest.fixture
def environment(
    connection: psycopg.Connection, database: str, monkeypatch: pytest.MonkeyPatch
) -> psycopg.Connection:
    """Settings that name a catalogue of N galaxies with real JPEGs."""
    _, release_id = fill(connection, N)
    rng = np.random.default_rng(3)
    jpeg = BytesIO()
    Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(jpeg, "JPEG")
    connection.execute("UPDATE galcat.thumbnail SET jpeg = %s", [jpeg.getvalue()])
    build_search_index(connection, release_id)
    refresh_statistics(connection)
    monkeypatch.setenv("GALCAT_DATABASE_URL", database)
    return connection


def code_cells(notebook: Path) -> list[str]:
    """The code of a notebook, cell by cell."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def test_the_notebook_of_look_alikes_finds_what_sql_finds(environment: psycopg.Connection) -> None:
    names: dict[str, object] = {}
    with mpl.rc_context({"backend": "agg"}):
        for code in code_cells(FOLDER / "look_alikes.ipynb"):
            exec(compile(code, "look_alikes.ipynb", "exec"), names)  # noqa: S102 - that is the test
        mpl.pyplot.close("all")
    nearest = environment.execute(
        "SELECT g.object_id FROM galcat.galaxy AS g WHERE g.object_id <> %(spiral)s AND g.mag_r IS NOT NULL "
        "ORDER BY (g.search <-> (SELECT galcat.vector_of(%(spiral)s))) + 0 LIMIT 12",
        {"spiral": names["spiral"]},
    ).fetchall()
    assert names["identities"] == [row[0] for row in nearest]
    spirals = names["spirals"]["object_id"].tolist()  # type: ignore[index] # a data frame
    assert list(names["matched"].object_ids) == spirals  # type: ignore[attr-defined] # what match() gives
    assert len(names["more_of_the_same"].rows) == 5  # type: ignore[attr-defined] # what search() gives


def test_every_notebook_is_kept_without_its_outputs() -> None:
    notebooks = sorted(FOLDER.glob("*.ipynb"))
    assert notebooks
    for notebook in notebooks:
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
            assert cell.get("outputs", []) == [], notebook
            assert cell.get("execution_count") is None, notebook
