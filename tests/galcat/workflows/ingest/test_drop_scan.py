"""A scan of the drop folder: what it finds ready, and how much of it is asked for at once."""

from pathlib import Path

from encoder.surveys.survey_file import load_survey
from encoder.tiles.tiles import find_tiles
from galcat.workflows.ingest.drop_scan import SeenTile, compare
from tests.galcat.bricks import write_brick

SURVEY = "legacy_dr10"


def test_a_scan_asks_for_no_more_tiles_than_there_is_room_for(drop: Path) -> None:
    for name in ("0100p000", "0101p000", "0102p000"):
        write_brick(drop, name)
    tiles = find_tiles(load_survey(SURVEY), drop)
    seen: dict[str, SeenTile] = {}
    galaxies = []
    for _ in range(4):
        comparison = compare(tiles, seen, room=2)
        seen = comparison.seen
        galaxies.append([tile.name for tile in comparison.ready])
    assert galaxies == [[], ["0100p000", "0101p000"], ["0102p000"], []]
