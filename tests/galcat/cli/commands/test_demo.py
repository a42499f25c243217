"""The demonstration in small: simulated, ingested, asked; a second time nothing changes."""

import fcntl
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from catalog.database.connection import connect
from galcat.cli.commands.demo import questions
from galcat.cli.console import Terminal
from tests.galcat.cli.command_line import Galcat

ON_THE_MAP = "SELECT m.made_at, octet_length(m.object_ids) / 8 FROM galcat.release_map AS m"
ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def small_demo(galcat: Galcat) -> Galcat:
    """The command line after a demonstration of one brick."""
    said = galcat("demo", "--bricks", 1, "--galaxies", 60)
    assert said.code == 0, said.err
    for question, query in questions():
        assert question in said.out
        assert " ".join(query.split()) in " ".join(said.out.split())
    return galcat


def test_the_demonstration_fills_the_catalogue_and_a_second_one_changes_nothing(
    small_demo: Galcat, database: str, tmp_path: Path
) -> None:
    truth = pq.read_table(tmp_path / "demo_survey" / "truth.parquet").to_pandas()
    keys = (
        "SELECT 'source', xmin::text, object_id FROM galcat.source UNION ALL SELECT 'embedding', xmin::text, "
    )
    with connect(database, autocommit=True) as connection:
        map_before = connection.execute(ON_THE_MAP).fetchone()
        rows = connection.execute("SELECT survey_source_id, ra, dec, shape_r FROM galcat.galaxy").fetchall()
        before = connection.execute(f"{keys} object_id FROM galcat.embedding".encode()).fetchall()
    by_id = {f"{row.release}-{row.brickid}-{row.objid}": row for row in truth.itertuples()}
    assert len(rows) > 30
    for name, ra, dec, shape_r in rows:
        galaxy = by_id[name]
        assert np.hypot((ra - galaxy.ra) * np.cos(np.radians(dec)), dec - galaxy.dec) < 0.5 / 3600
        assert shape_r == pytest.approx(galaxy.shape_r_arcsec, rel=0.2)
    with Image.open(tmp_path / "demo_similar.png") as sheet:
        assert np.asarray(sheet).std() > 10
    assert small_demo("tasks", "add", "ring", "--question", "Has it a ring?").code == 0
    said = small_demo("label", "ring", tmp_path / "demo_rings.csv")
    assert said.code == 0, said.err
    again = small_demo("demo", "--bricks", 1, "--galaxies", 60)
    assert "0 tiles ingested, 1 unchanged, 0 failed" in again.err
    assert "these galaxies are simulated, and most are fainter" in again.err
    with connect(database, autocommit=True) as connection:
        after = connection.execute(f"{keys} object_id FROM galcat.embedding".encode()).fetchall()
        map_after = connection.execute(ON_THE_MAP).fetchone()
    assert after == before
    assert map_before is not None
    assert (map_after, map_before[1]) == (map_before, len(rows))


def test_the_readme_shows_every_question_as_it_is_asked() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(questions()) == 10
    for question, query in questions():
        assert question in readme
        assert query in readme


def test_a_second_demonstration_waits_for_the_first(
    galcat: Galcat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        def unlock(*_: object) -> None:
            fcntl.flock(lock, fcntl.LOCK_UN)

        monkeypatch.setattr("galcat.cli.commands.demo._run", lambda *_: None)
        monkeypatch.setattr(Terminal, "print", lambda _, text, **__: (unlock(), said.append(text)))
        said: list[str] = []
        assert galcat("demo").code == 0
    assert said == [f"another galcat demo runs in {tmp_path}: waiting until it has ended"]
