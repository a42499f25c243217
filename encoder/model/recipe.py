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


@dataclass(frozen=True)
class ImageRecipe:
    """From a position on the sky to the network's input.

    Attributes:
        size: Width and height of the square input, pixels.
        field_px: Field of the published cutout, in units of the Galaxy Zoo pixel scale.
        crop: Central share of that field that the network sees, 0..1.
        stretch: How scaled fluxes become the 0..1 of a picture.
        input_mean: Mean that the network subtracts from the 0..1 picture.
        input_deviation: Deviation that it then divides by; mean 0 and deviation 1 leave 0..1 as it is.
        channels: 3 for colour; 1 for a network that sees only how bright the picture is.
    """

    size: int
    field_px: int = FIELD_PX
    crop: float = 1.0
    stretch: Stretch = field(default_factory=Stretch)
    input_mean: float = 127 / 255
    input_deviation: float = 128 / 255
    channels: int = 3

    def __post_init__(self) -> None:
        _check(self.size > 0, f"image size {self.size} is not positive")
        _check(self.field_px > 0, f"image field {self.field_px} px is not positive")
        _check(0 < self.crop <= 1, f"image crop {self.crop} is not in 0..1")
        _check(self.input_deviation > 0, f"input deviation {self.input_deviation} is not positive")
        known = type(self.channels) is int and self.channels in {1, 3}
        _check(known, f"image channels {self.channels} are neither 1 (grey) nor 3 (colour)")

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values; `from_dict` reads them back equal."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read what `to_dict` wrote.

        Raises:
            WeightsError: A key is unknown, missing, or its value not a finite number of the right kind.
        """
        _check(isinstance(values, dict), f"image recipe {values!r} is not a table")
        given = dict(values)
        stretch = given.pop("stretch", {})
        _check(isinstance(stretch, dict), f"image recipe stretch {stretch!r} is not a table")
        _check_numbers(cls, given, "image recipe")
        _check_numbers(Stretch, stretch, "image recipe stretch")
        _check(isinstance(given.get("size"), int), "image recipe has no whole number 'size'")
        return cls(**given, stretch=Stretch(**stretch))


def _check_numbers(cls: type[ImageRecipe | Stretch], values: dict[str, Any], label: str) -> None:
    known = {f.name for f in fields(cls)}
    for key, value in values.items():
        _check(key in known, f"{label} has an unknown entry {key!r}")
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        _check(number, f"{label}: {key} = {value!r} is not a number")


def _check(ok: bool, message: str) -> None:
    if not ok:
        raise WeightsError(message)
