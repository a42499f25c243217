"""How a galaxy's large picture is drawn, as an address says it: its stretch, its bands, its width."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, Self
from urllib.parse import urlencode

from catalog.tap.datalink.galaxy_files import GalaxyFiles
from catalog.tap.errors import UsageError


@dataclass(frozen=True)
class Slider:
    """What a number of a drawing may be, and how the page calls it."""

    label: str
    lowest: float
    highest: float
    step: float


SLIDERS = {
    "brightness": Slider("Brightness", -3, 3, 0.25),
    "white": Slider("White point", -4, 2, 0.25),
    "width": Slider("Width", 0.5, 3, 0.25),
    "red": Slider("Red", 0, 2, 0.1),
    "green": Slider("Green", 0, 2, 0.1),
    "blue": Slider("Blue", 0, 2, 0.1),
}


@dataclass(frozen=True)
class Drawing:
    """How a galaxy is drawn; the defaults are how Galaxy Zoo's volunteers saw galaxies.

    Attributes:
        brightness: By how many doublings the flux is raised before the stretch.
        white: By how many doublings the flux that becomes white is raised.
        width: Width of the picture in widths of the galaxy's Galaxy Zoo cutout.
        red: Factor of the band that is shown red.
        green: Factor of the band that is shown green.
        blue: Factor of the band that is shown blue.
        has_marks: Whether a scale bar and the directions of north and east are drawn.
    """

    brightness: float = 0.0
    white: float = 0.0
    width: float = 1.0
    red: float = 1.0
    green: float = 1.0
    blue: float = 1.0
    has_marks: bool = True

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> Self:
        """Read the parameters of an address; numbers are rounded to the steps of their sliders.

        Raises:
            UsageError: One is no number, or outside the range of its slider.
        """
        values = {name: _read(name, given[name]) for name in SLIDERS if given.get(name, "").strip()}
        return cls(**values, has_marks=given.get("marks", "1").strip() != "0")

    def query(self) -> str:
        """The query string that says what differs from the defaults; empty where nothing does."""
        usual = type(self)()
        pairs = [
            (name, f"{getattr(self, name):g}")
            for name in SLIDERS
            if getattr(self, name) != getattr(usual, name)
        ]
        return urlencode([*pairs, *([] if self.has_marks else [("marks", "0")])])


class CutoutDrawer(Protocol):
    """Draws galaxies from the files of their tiles; called in threads."""

    def bands(self, galaxy: GalaxyFiles) -> tuple[str, ...]:
        """The bands that are shown red, green and blue; empty where the tile cannot be drawn from."""

    def draw(self, galaxy: GalaxyFiles, drawing: Drawing, size_px: int) -> bytes | None:
        """A JPEG, `size_px` pixels across, the galaxy in its middle; None where no file can be read.

        Raises:
            UsageError: The picture would be too wide.
        """


def _read(name: str, text: str) -> float:
    slider = SLIDERS[name]
    try:
        number = float(text[:20])
    except ValueError:
        number = float("nan")
    if not slider.lowest <= number <= slider.highest:
        raise UsageError(f"{name} is {text[:20]!r}: expected {slider.lowest:g} to {slider.highest:g}")
    return round(round((number - slider.lowest) / slider.step) * slider.step + slider.lowest, 6)
