"""Files that commands draw: full rows, and nothing written over that nobody named."""

import io
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from galcat.cli.contact_sheet import BACKGROUND, CELL_PX, GAP_PX, contact_sheet
from galcat.cli.options import unused_file


@pytest.mark.parametrize(
    ("n", "columns"), [(1, 1), (3, 3), (10, 5), (15, 5), (20, 5), (21, 7), (16, 4), (25, 5)]
)
def test_the_last_row_of_a_sheet_is_full_where_it_can_be(tmp_path: Path, n: int, columns: int) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), (200, 100, 50)).save(picture, "PNG")
    contact_sheet([(picture.getvalue(), "")] * n, tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width == columns * (CELL_PX + GAP_PX) + GAP_PX
        last = sheet.getpixel((sheet.width - GAP_PX - CELL_PX // 2, sheet.height - CELL_PX // 2))
    assert last != BACKGROUND


def test_a_long_caption_ends_below_its_own_picture_and_numbers_stand_in_corners(tmp_path: Path) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), (200, 100, 50)).save(picture, "PNG")
    for name, numbered in (("plain", False), ("numbered", True)):
        drawn = [
            (picture.getvalue(), "mag_r 14.5 bar_strong_fraction 0.08 and much more\nx"),
            (picture.getvalue(), ""),
        ]
        contact_sheet(drawn, tmp_path / f"{name}.png", 2, numbered=numbered)
    with Image.open(tmp_path / "plain.png") as plain, Image.open(tmp_path / "numbered.png") as numbered_sheet:
        below = plain.crop((GAP_PX + CELL_PX, GAP_PX + CELL_PX, plain.width, plain.height))
        assert below.getcolors() == [(below.width * below.height, BACKGROUND)]
        changed = ImageChops.difference(plain, numbered_sheet).getbbox()
    assert changed is not None
    assert changed[:2] <= (GAP_PX + 20, GAP_PX + 20)
    assert changed[3] < GAP_PX + 40


def test_a_file_that_nobody_named_takes_the_next_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for number in ("001", "002"):
        path = unused_file("odd_next", ".png")
        assert path == Path(f"odd_next_{number}.png")
        path.touch()
