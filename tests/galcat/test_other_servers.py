"""The catalogue on servers other than the embedded one: made, filled, searched, checked."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from catalog.database.connection import connect
from tests.galcat.bricks import GALAXIES, write_brick
from tests.galcat.cli.command_line import Galcat
from tests.galcat.other_servers import OTHERS
from tests.galcat.real_servers import new_server
from tests.sizes import first_or_all

pytestmark = pytest.mark.servers


@pytest.fixture(params=first_or_all(OTHERS, 1))
def server(request: pytest.FixtureRequest, server_home: Path) -> Iterator[str]:
    """URL of an empty database on the server."""
    with new_server(request.param, server_home) as opened:
        yield opened.url("postgres")


def test_a_catalogue_on_another_server_is_filled_searched_and_sound(
    server: str,
    weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    galcat = Galcat(server, tmp_path, capsys, monkeypatch)
    assert galcat("up").code == 0
    for name in ("0100p000", "0100p005"):
        write_brick(tmp_path / "bricks", name)
    said = galcat("ingest", tmp_path / "bricks", "--survey", "legacy_dr10", "--weights", weights)
    assert (said.code, "2 tiles ingested, 0 unchanged, 0 failed" in said.err) == (0, True)
    with connect(server, autocommit=True) as connection:
        ids, vectors = zip(
            *connection.execute("SELECT object_id, search FROM galcat.galaxy ORDER BY object_id"), strict=True
        )
    assert len(ids) == 2 * GALAXIES
    places = np.array([vector.to_numpy() for vector in vectors], np.float32)
    distance = np.linalg.norm(places - places[0], axis=1)
    said = galcat("similar", ids[0], "-n", len(ids) - 1, "--format", "csv")
    shown = [int(line.split(",")[0]) for line in said.out.split()[1:]]
    assert sorted(shown) == sorted(ids[1:])
    assert np.all(
        np.diff([distance[ids.index(one)] for one in shown]) >= -1e-5
    )  # halves of vectors are equal
    failed = [line for line in galcat("check").out.splitlines() if line.startswith("FAIL")]
    assert failed == []
