"""The commands about tiles: listed, taken out of the catalogue, forgotten."""

import csv
import io
from pathlib import Path

from tests.galcat.bricks import GALAXIES, write_brick
from tests.galcat.cli.command_line import Galcat


def test_a_tile_that_is_retracted_and_forgotten_leaves_the_others_as_they_were(
    galcat: Galcat, weights: Path, tmp_path: Path
) -> None:
    for name in ("0100p000", "0100p005"):
        write_brick(tmp_path / "bricks", name)
    ingest = ("ingest", tmp_path / "bricks", "--survey", "legacy_dr10", "--weights", weights)
    assert galcat(*ingest).code == 0
    assert read_galaxies(galcat) == {"0100p000": GALAXIES, "0100p005": GALAXIES}
    refused = galcat("tile", "forget", "0100p000")
    assert refused.code == 1
    assert len(refused.err.strip().splitlines()) == 1
    assert "0100p000" in refused.err
    assert read_galaxies(galcat) == {"0100p000": GALAXIES, "0100p005": GALAXIES}
    said = galcat("tile", "retract", "0100p000")
    assert (said.code, f"tile 0100p000 is out: {GALAXIES} galaxies retired" in said.err) == (0, True)
    assert read_galaxies(galcat) == {"0100p005": GALAXIES}
    assert galcat("tile", "forget", "0100p000").code == 0
    listed = [line.split()[:4] for line in galcat("tile", "list").out.splitlines()[1:-1]]
    assert listed == [["0100p005", "legacy_dr10", "done", str(GALAXIES)]]
    assert galcat(*ingest).code == 0
    assert read_galaxies(galcat) == {"0100p000": GALAXIES, "0100p005": GALAXIES}
    query = "SELECT occasion, vectors FROM galcat.recall ORDER BY measured_at"
    assert galcat("sql", query, "--format", "csv").out.split()[1:] == ["ingest,6", "retract,3", "ingest,6"]


def test_a_tile_that_is_not_there_is_named(galcat: Galcat) -> None:
    for words in (("retract", "nowhere"), ("forget", "nowhere")):
        said = galcat("tile", *words)
        assert said.code == 1
        assert "nowhere" in said.err
        assert len(said.err.strip().splitlines()) == 1


def read_galaxies(galcat: Galcat) -> dict[str, int]:
    """Number of galaxies of each tile that has any."""
    said = galcat("sql", "SELECT tile, count(*) AS n FROM galcat.galaxy GROUP BY tile", "--format", "csv")
    return {row["tile"]: int(row["n"]) for row in csv.DictReader(io.StringIO(said.out))}
