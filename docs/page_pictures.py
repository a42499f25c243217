"""Draw docs/page.png and docs/page_galaxy.png: the page over the demonstration survey, in Debian's chromium.

`galcat demo`, `galcat map` and `galcat serve`, then `python docs/page_pictures.py http://127.0.0.1:8000`.
"""

import argparse
import io
import re
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).parent
WINDOW = {"width": 1280, "height": 860}
COLOURS = 200
SPIRALS = "/?has_spiral_arms_proportion_asked=0.5..&order=-has_spiral_arms_yes_fraction"


def main() -> None:
    """Draw both pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    url = parser.parse_args().url.rstrip("/")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport=WINDOW, color_scheme="dark")  # type: ignore[arg-type] # a size
        page.goto(url + SPIRALS)
        spiral, other = re.findall(r'data-id="(\d+)"', page.content())[:2]
        page.goto(f"{url}/?like={spiral},{other}&where=mag_r < 17.5")
        page.click("#show-map")
        page.wait_for_load_state("networkidle")
        save(page, FOLDER / "page.png")
        page.goto(f"{url}/galaxy/{spiral}")
        page.wait_for_load_state("networkidle")
        save(page, FOLDER / "page_galaxy.png")
        browser.close()


def save(page: Page, path: Path) -> None:
    """Keep what the window shows, in few colours."""
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
