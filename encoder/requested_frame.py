"""The part of a picture that somebody says the network shall see: all, a share of its width, or an angle."""

import math
import re
from dataclasses import dataclass

from encoder.errors import FrameError

_ARCSEC = re.compile(r'([0-9.]+)\s*(?:arcsec|")')


@dataclass(frozen=True)
class RequestedFrame:
    """The frame that somebody asks for, in place of the release's own way. One of both is given.

    Attributes:
        share: What the network sees of a picture's shorter side, in 0..1.
        arcsec: Width of what it sees on the sky, arcsec.
        pixel_scale_arcsec: Width of the pictures' pixels, arcsec; None where the pictures say so themselves.
    """

    share: float | None = None
    arcsec: float | None = None
    pixel_scale_arcsec: float | None = None

    def require_scale(self) -> None:
        """Refuse an angle of pictures that do not say how large a pixel is, as no JPEG or PNG does.

        Raises:
            FrameError: It is an angle, and no pixel scale is given.
        """
        if self.arcsec is not None and self.pixel_scale_arcsec is None:
            raise no_scale(self)


def no_scale(asked: RequestedFrame) -> FrameError:
    """The error of an angle that cannot be turned into pixels."""
    return FrameError(f"a frame of {asked.arcsec:g} arcsec needs the width of a pixel, arcsec: --pixel-scale")


def read_frame(text: str, pixel_scale_arcsec: float | None = None) -> RequestedFrame | None:
    """Understand what somebody says of the frame.

    Args:
        text: `whole`; a share of the picture's width, such as `0.6`; an angle, such as `24arcsec`; or `found`
            or nothing for the release's own way.
        pixel_scale_arcsec: Width of the pictures' pixels, if it is known.

    Returns:
        The frame asked for; None for the release's own way.

    Raises:
        FrameError: The text says nothing of the kind, or a number is out of range.
    """
    if pixel_scale_arcsec is not None and not 0 < pixel_scale_arcsec < math.inf:
        raise FrameError(f"a pixel scale of {pixel_scale_arcsec:g} arcsec is not above 0")
    angle = _ARCSEC.fullmatch(text.strip())
    try:
        if text.strip() in {"", "found"}:
            return None
        if text.strip() == "whole":
            return RequestedFrame(share=1.0)
        number = float(angle.group(1) if angle else text)
    except ValueError:
        number = math.nan
    if angle and 0 < number < math.inf:
        return RequestedFrame(arcsec=number, pixel_scale_arcsec=pixel_scale_arcsec)
    if not angle and 0 < number <= 1:
        return RequestedFrame(share=number)
    raise FrameError(
        f"frame {text!r} is not understood: say an angle such as 24arcsec, the share of the picture's width "
        "that the network sees, such as 0.6, whole, or found"
    )
