"""Pictures of a run over a sky cell: some of the galaxies that it brought, and how fast it was."""

import io
from collections.abc import Sequence
from itertools import accumulate

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from catalog.database.connection import connect

SIDE_PX = 96
SHOWN = 10
_JPEGS = """
    SELECT p.jpeg FROM galcat.thumbnail AS p JOIN galcat.source AS s USING (object_id)
    JOIN galcat.tile AS t USING (tile_id) JOIN galcat.survey AS v ON v.survey_id = t.survey_id
    WHERE v.name = %s AND t.name = ANY (%s) AND NOT s.is_retired ORDER BY p.object_id LIMIT %s
"""


def draw_galaxies(url: str, survey: str, tiles: Sequence[str]) -> bytes | None:
    """Draw the thumbnails of some galaxies side by side.

    Args:
        url: URL of the catalogue's database.
        survey: Name of the survey.
        tiles: Names of the tiles whose galaxies are shown; ids are hashes, so no tile comes first.

    Returns:
        A JPEG; None where the tiles have no galaxy.
    """
    with connect(url, autocommit=True) as connection:
        jpegs = [bytes(row[0]) for row in connection.execute(_JPEGS, [survey, list(tiles), SHOWN]).fetchall()]
    if not jpegs:
        return None
    strip = Image.new("RGB", (SIDE_PX * len(jpegs), SIDE_PX))
    for i, jpeg in enumerate(jpegs):
        with Image.open(io.BytesIO(jpeg)) as picture:
            strip.paste(picture.convert("RGB").resize((SIDE_PX, SIDE_PX)), (i * SIDE_PX, 0))
    written = io.BytesIO()
    strip.save(written, "JPEG", quality=80)
    return written.getvalue()


def draw_pace(times_s: Sequence[float], galaxies: Sequence[int]) -> bytes:
    """Draw how many galaxies were in at each moment of a run: its slope is the pace.

    A tile is told of when the next one has been encoded, so a pace of single tiles would say little.

    Args:
        times_s: When each tile was done, seconds since the run began; in their order.
        galaxies: Number of galaxies of each tile.

    Returns:
        The content of a PNG file.
    """
    figure = Figure(figsize=(6, 2.2), layout="constrained")
    axes = figure.subplots()
    axes.plot([0.0, *times_s], [0, *accumulate(galaxies)], "o-", color="#4477aa", markersize=3, clip_on=False)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_xlabel("seconds since the run began")
    axes.set_ylabel("galaxies that are in")
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_title(f"{sum(galaxies) / max(times_s[-1], 1e-3):,.1f} galaxies a second", fontsize="medium")
    axes.spines[["top", "right"]].set_visible(False)
    written = io.BytesIO()
    figure.savefig(written, format="png")
    return written.getvalue()
