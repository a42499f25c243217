"""TOPCAT with its windows: it lists tables with units, runs an example with morph_distance, and plots it."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.clients.rows import sql_rows
from tests.clients.service import Service
from tests.waiting import LAST_LIMIT_S

RECIPE = Path(__file__).resolve().parents[2] / "docs" / "topcat.py"
MISSING = [name for name in ("topcat", "java", "xvfb-run", "xauth") if shutil.which(name) is None]
MISSING += ["jpype1"] if importlib.util.find_spec("jpype") is None else []
CLEAREST = (
    "SELECT object_id FROM galcat.galaxy "
    "ORDER BY has_spiral_arms_proportion_asked * has_spiral_arms_yes_fraction DESC LIMIT 1"
)
NEAREST = (
    f"SELECT object_id, (search <-> galcat.vector_of(({CLEAREST}))) + 0 AS unlikeness, mag_r, "
    "has_spiral_arms_yes_fraction FROM galcat.galaxy ORDER BY unlikeness LIMIT 500"
)

pytestmark = [
    pytest.mark.xdist_group("clients"),
    pytest.mark.skipif(bool(MISSING), reason=f"not here: {', '.join(MISSING)}"),
]

Seen = dict[str, Any]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("topcat") / "topcat.png"


@pytest.fixture(scope="module")
def seen(service: Service, drawn: Path) -> Seen:
    """What TOPCAT showed while the recipe ran."""
    report = drawn.with_name("report.json")
    command = [sys.executable, str(RECIPE), service.tap, "--picture", str(drawn), "--report", str(report)]
    screen = ["xvfb-run", "-a", "-s", "-screen 0 1600x1200x24"]
    done = subprocess.run(
        [*screen, *command], capture_output=True, text=True, timeout=LAST_LIMIT_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: Seen = json.loads(report.read_text())
    return found


def read_columns(service: Service) -> dict[str, list[list[str]]]:
    """Columns and their units of every table, in their order."""
    found: dict[str, list[list[str]]] = {}
    for table, *column in service.rows(
        "SELECT table_name, column_name, coalesce(unit, '') FROM tap_schema.columns "
        "ORDER BY table_name, column_index"
    ):
        found.setdefault(str(table), []).append([str(one) for one in column])
    return found


def test_all_tables_are_listed_with_their_columns_and_units(service: Service, seen: Seen) -> None:
    assert seen["tables"] == read_columns(service)
    assert seen["listed"] == read_columns(service)["galcat.galaxy"]
    assert ["ra", "deg"] in seen["listed"]


def test_the_menu_of_examples_is_the_service_s(service: Service, seen: Seen) -> None:
    page = httpx.get(f"{service.tap}/examples").text
    assert seen["examples"] == re.findall(r'<h2 property="name">(.+?)</h2>', page) != []
    assert f"morph_distance(object_id, {service.names(CLEAREST)[0]})" in seen["query"]


def test_the_table_of_an_example_has_the_rows_that_sql_gives(service: Service, seen: Seen) -> None:
    nearest = sql_rows(service.rows(NEAREST))
    for name, n in (("few", 6), ("many", 500)):
        columns, rows = seen[name]
        assert columns == [["object_id", ""], ["unlikeness", ""], ["mag_r", "mag"], ["spiral", ""]]
        assert [row[0] for row in rows] == [row[0] for row in nearest[:n]]
        expected = np.array([row[1:] for row in nearest[:n]], float)
        np.testing.assert_allclose(np.array([row[1:] for row in rows], float), expected, rtol=1e-6)


def test_every_row_is_a_point_of_the_plot(seen: Seen, drawn: Path) -> None:
    assert seen["count"] == "500 / 500"
    red, green, blue = np.asarray(Image.open(drawn).convert("RGB"), int).transpose(2, 0, 1)
    assert ((red > 200) & (green < 40) & (blue < 40)).sum() > 500


def test_an_error_is_shown_in_the_service_s_own_words(seen: Seen) -> None:
    assert "line 1, column 8: no column 'objectid' in galcat.galaxy" in seen["complaint"]
