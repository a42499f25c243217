"""Draw docs/topcat.png: TOPCAT itself asks the service what looks like a spiral, and plots it.

`galcat serve` in one terminal, in another `xvfb-run -a python docs/topcat.py http://localhost:8000/tap`.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from tests.clients.topcat_visit import visit

FILE = Path(__file__).with_name("topcat.png")
DESKTOP_PX, PLACES = (1240, 980), ((0, 0), (684, 250))
TITLE_PX = 24


def main() -> None:
    """Draw the picture; with `--report`, what TOPCAT saw is also written as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--picture", type=Path, default=FILE)
    parser.add_argument("--report", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        seen = vars(visit(asked.url, Path(home)))
    desktop = Image.new("RGB", DESKTOP_PX, "#6d7f93")
    for (title, window), place in zip(seen.pop("windows"), PLACES, strict=True):
        desktop.paste(framed(window, title), place)
    desktop.quantize(256).save(asked.picture, optimize=True)
    if asked.report:
        asked.report.write_text(json.dumps(seen), encoding="utf-8")


def framed(window: Image.Image, title: str) -> Image.Image:
    """A window in the frame that a desktop would give it."""
    frame = Image.new("RGB", (window.width + 2, window.height + TITLE_PX + 1), "#31404f")
    frame.paste(window, (1, TITLE_PX))
    font = ImageFont.load_default(13)
    ImageDraw.Draw(frame).text((frame.width / 2, TITLE_PX / 2), title, "white", font, anchor="mm")
    return frame


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # one of Java's threads may call Python while it ends, and the process would be aborted
