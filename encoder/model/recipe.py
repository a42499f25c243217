"""The image recipe: how a cutout in flux becomes the square picture that a network sees.

It belongs to the weights (a network knows only pictures made the way it was trained on), is stored with
them, and is copied into the release, so that one more galaxy can be added the same way years later.
"""

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from encoder.errors import WeightsError

FIELD_PX = 424
"""Width of the published cutout, in units of the Galaxy Zoo pixel scale."""
MAX_BAD_SHARE = 0.2
"""Share of bad pixels, in any band, from which a galaxy gets no picture (the published rule)."""


@dataclass(frozen=True)
class Stretch:
    """Constants of the Galaxy Zoo DECaLS asinh stretch; the band scales belong to the survey.

    Attributes:
        minimum: Scaled flux that becomes 0.
        maximum: Scaled flux that becomes 1.
        desaturation: Colour contrast (largest channel over the mean) above which nothing is greyed.
    """

    minimum: float = -0.5
    maximum: float = 300.0
    desaturation: float = 2.5

    def __post_init__(self) -> None:
        _check(self.minimum < self.maximum, f"stretch from {self.minimum} to {self.maximum} is empty")
        _check(self.desaturation > 0, f"stretch desaturation {self.desaturation} is not positive")


FINDERS = (1,)
"""Versions of the frame finder, `encoder.cutouts.framing`, by which releases have been made."""


@dataclass(frozen=True)
class FramingRule:
    """How a release finds the galaxy in a picture, and so the part of it that the network sees.

    Attributes:
        view_radii: Width of what the network sees, in radii that hold 90 % of the galaxy's light.
        finder: Version of the finder; a release is measured by the one that it was trained with.
    """

    view_radii: float = 3.2
    finder: int = FINDERS[-1]

    def __post_init__(self) -> None:
        _check(self.view_radii > 0, f"framing view_radii {self.view_radii} is not positive")
        known = type(self.finder) is int and self.finder in FINDERS
        _check(known, f"framing finder {self.finder} is unknown; this version has {FINDERS}: update galcat")


@dataclass(frozen=True)
class ImageRecipe:
    """From a position on the sky to the network's input.

    Attributes:
        size: Width and height of the square input, pixels.
        field_px: Field of the published cutout, in units of the Galaxy Zoo pixel scale.
        crop: Central share of that field that the network sees, 0..1; where frames are found, what it sees
            of a galaxy of known radius that is not found.
        stretch: How scaled fluxes become the 0..1 of a picture.
        input_mean: Mean that the network subtracts from the 0..1 picture.
        input_deviation: Deviation that it then divides by; mean 0 and deviation 1 leave 0..1 as it is.
        channels: 3 for colour; 1 for a network that sees only how bright the picture is.
        framing: How the galaxy's frame is found in each picture; None for releases that see the same share of
            every picture.
    """

    size: int
    field_px: int = FIELD_PX
    crop: float = 1.0
    stretch: Stretch = field(default_factory=Stretch)
    input_mean: float = 127 / 255
    input_deviation: float = 128 / 255
    channels: int = 3
    framing: FramingRule | None = None

    def __post_init__(self) -> None:
        _check(self.size > 0, f"image size {self.size} is not positive")
        _check(self.field_px > 0, f"image field {self.field_px} px is not positive")
        _check(0 < self.crop <= 1, f"image crop {self.crop} is not in 0..1")
        _check(self.input_deviation > 0, f"input deviation {self.input_deviation} is not positive")
        known = type(self.channels) is int and self.channels in {1, 3}
        _check(known, f"image channels {self.channels} are neither 1 (grey) nor 3 (colour)")

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values; `from_dict` reads them back equal."""
        values = asdict(self)
        if self.framing is None:
            del values["framing"]  # recipes of the first releases have no such entry
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read what `to_dict` wrote; `framing` may also be true, for the usual rule, or false.

        Raises:
            WeightsError: A key is unknown, missing, or its value not a finite number of the right kind.
        """
        _check(isinstance(values, dict), f"image recipe {values!r} is not a table")
        given = dict(values)
        stretch = given.pop("stretch", {})
        _check(isinstance(stretch, dict), f"image recipe stretch {stretch!r} is not a table")
        framing = _read_framing(given.pop("framing", None))
        _check_numbers(cls, given, "image recipe")
        _check_numbers(Stretch, stretch, "image recipe stretch")
        _check(isinstance(given.get("size"), int), "image recipe has no whole number 'size'")
        return cls(**given, stretch=Stretch(**stretch), framing=framing)


def _read_framing(value: object) -> FramingRule | None:
    if value is None or value is False:
        return None
    values = {} if value is True else value
    if not isinstance(values, dict):
        raise WeightsError(f"image recipe framing {value!r} is neither a table nor true")
    _check_numbers(FramingRule, values, "image recipe framing")
    return FramingRule(**values)


def _check_numbers(
    cls: type[ImageRecipe | FramingRule | Stretch], values: dict[str, Any], label: str
) -> None:
    known = {f.name for f in fields(cls)}
    for key, value in values.items():
        _check(key in known, f"{label} has an unknown entry {key!r}")
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        _check(number, f"{label}: {key} = {value!r} is not a number")


def _check(ok: bool, message: str) -> None:
    if not ok:
        raise WeightsError(message)
