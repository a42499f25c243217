"""Contact sheets: galaxies side by side with a caption each, as PNG."""

import io
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

CELL_PX = 192
CAPTION_PX = 34
GAP_PX = 6
BACKGROUND = (16, 16, 20)
INK = (235, 235, 235)
FONT_PX = 13
NUMBER_PX = 20
PREFERRED_COLUMNS = 5


def contact_sheet(
    pictures: list[tuple[bytes, str]],
    path: Path,
    columns: int | None = None,
    *,
    numbered: bool = False,
) -> None:
    """Draw pictures in rows, each with its caption below.

    Args:
        pictures: Encoded image (JPEG or PNG) and caption; a caption may have two lines.
        path: Path of the PNG file that is written.
        columns: Pictures a row; without it 4 to 8, so many that the last row is as full as it can be.
        numbered: Whether each picture has its number, from 1, in its corner.
    """
    columns = min(columns or _full_rows(len(pictures)), max(1, len(pictures)))
    rows = -(-len(pictures) // columns)
    step_x, step_y = CELL_PX + GAP_PX, CELL_PX + CAPTION_PX + GAP_PX
    sheet = Image.new("RGB", (columns * step_x + GAP_PX, rows * step_y + GAP_PX), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    font, large = ImageFont.load_default(FONT_PX), ImageFont.load_default(NUMBER_PX)
    for i, (encoded, caption) in enumerate(pictures):
        x, y = GAP_PX + i % columns * step_x, GAP_PX + i // columns * step_y
        with Image.open(io.BytesIO(encoded)) as picture:
            sheet.paste(picture.convert("RGB").resize((CELL_PX, CELL_PX), Image.Resampling.LANCZOS), (x, y))
        if numbered:
            box = draw.textbbox((x + 7, y + 5), str(i + 1), font=large)
            draw.rectangle((box[0] - 5, box[1] - 4, box[2] + 5, box[3] + 4), fill=BACKGROUND)
            draw.text((x + 7, y + 5), str(i + 1), fill=INK, font=large)
        text = "\n".join(_shorten(line, font) for line in caption.split("\n")[:2])
        draw.multiline_text((x + 2, y + CELL_PX + 2), text, fill=INK, font=font, spacing=2)
    sheet.save(path, format="PNG")


def _shorten(line: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """As much of a line as fits below a picture; an ellipsis says that there is more."""
    if font.getlength(line) <= CELL_PX - 2:
        return line
    while line and font.getlength(f"{line}...") > CELL_PX - 2:
        line = line[:-1]
    return f"{line.rstrip()}..."


def _full_rows(n: int) -> int:
    """Pictures a row that leave the fewest places empty; the nearest to 5 of several."""
    return min(range(4, 9), key=lambda columns: (-n % columns, abs(columns - PREFERRED_COLUMNS)))
