"""docs/tap.md does what it says: its recipes run, and its questions are those of /tap/examples."""

import gc
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.tap.vosi.example_queries import EXAMPLES
from catalog.tap.vosi.examples import Anchor, fill_example
from tests.clients.service import Service

_DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "tap.md"
_DEMONSTRATION = Anchor(1187327949861998747, 150.324100, 1.974195)
"""The clearest spiral of `make demo`, of which the README speaks too."""

pytestmark = [
    pytest.mark.xdist_group("clients"),
    # The clients leave connections to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]


@pytest.fixture(autouse=True)
def swept() -> Iterator[None]:
    """What a client leaves open is not found by another test."""
    yield
    gc.collect()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", _DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)


def section(title: str) -> list[str]:
    """The Python of a section."""
    text = _DOCUMENT.read_text().split(f"\n## {title}\n")[1].split("\n## ")[0]
    return re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def run(recipes: list[str], service: Service) -> dict[str, object]:
    """What the recipes, one after the other as in a notebook, leave behind."""
    names: dict[str, object] = {}
    for recipe in recipes:
        assert "http://localhost:8000" in recipe or names
        exec(recipe.replace("http://localhost:8000", service.url), names)  # noqa: S102 - our own document
    return names


def test_the_questions_of_the_document_are_those_of_the_service() -> None:
    assert [block.rstrip("\n") for block in blocks("sql")] == [
        fill_example(example, _DEMONSTRATION) for example in EXAMPLES
    ]


def test_the_recipe_for_pyvo_finds_what_sql_finds(service: Service) -> None:
    left = run(section("pyvo"), service)
    spiral, alike = left["spiral"], left["alike"].to_table()
    wanted = service.rows(
        "SELECT object_id, (search OPERATOR(public.<->) galcat.vector_of(%s)) + 0 FROM galcat.galaxy "
        "WHERE galcat.sky_distance(ra, dec, %s, %s) <= 30 ORDER BY 2 LIMIT 10",
        int(spiral["object_id"]),
        float(spiral["ra"]),
        float(spiral["dec"]),
    )
    assert alike["object_id"].tolist() == [row[0] for row in wanted]
    assert alike["unlikeness"].tolist() == pytest.approx([row[1] for row in wanted], abs=1e-5)
    [(jpeg,)] = service.rows("SELECT jpeg FROM galcat.thumbnail WHERE object_id = %s", wanted[1][0])
    assert left["picture"] == jpeg
    assert left["matched"]["object_id"].tolist() == [spiral["object_id"]]
    assert left["matched"]["name"].tolist() == ["mine"]
    zeros = [0.0] * int(left["release"]["dimension"])
    nearest = service.rows(
        "SELECT object_id FROM galcat.galaxy "
        "ORDER BY (search OPERATOR(public.<->) galcat.search_vector(%s::real[], %s)) + 0 LIMIT 10",
        zeros,
        str(left["release"]["name"]),
    )
    assert left["like_mine"].to_table()["object_id"].tolist() == [row[0] for row in nearest]


def test_the_recipe_for_astroquery_finds_what_sql_finds(service: Service) -> None:
    left = run(section("astroquery"), service)
    published = service.names(
        "SELECT column_name FROM tap_schema.columns WHERE table_name = 'galcat.galaxy' ORDER BY column_index"
    )
    assert left["columns"] == published
    brightest = service.rows("SELECT object_id FROM galcat.galaxy ORDER BY mag_r LIMIT 5")
    assert left["brightest"]["object_id"].tolist() == [row[0] for row in brightest]
    counts = service.rows("SELECT floor(mag_r), count(*) FROM galcat.galaxy GROUP BY 1 ORDER BY 1")
    assert left["counts"]["galaxies"].tolist() == [row[1] for row in counts]
