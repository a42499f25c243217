"""Resamples squares of many pictures at once, each from a place and a width of its own."""

import torch
from torch import Tensor


def resample(pictures: Tensor, left: Tensor, top: Tensor, side: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """A square of each picture, antialiased, dark beyond its edges; and how much of each pixel is picture.

    Args:
        pictures: The pictures, (n, c, h, w).
        left: Left edge of each square, (n,) pixels.
        top: Upper edge of each square, (n,) pixels.
        side: Width and height of each square, (n,) pixels.
        size: Width and height of the result.

    Returns:
        (n, c, size, size), and (n, size, size) in 0..1.
    """
    rows, seen_rows = _weights(top, side, size, pictures.shape[2])
    columns, seen_columns = _weights(left, side, size, pictures.shape[3])
    seen = seen_rows[:, :, None] * seen_columns[:, None, :]
    if pictures.device.type == "cpu":  # all in one product, their number would change the last bit
        each = zip(rows, pictures, columns, strict=True)
        square = torch.stack([down @ picture @ right.T for down, picture, right in each])
    else:
        exact = rows[:, None].double(), pictures.double(), columns[:, None].double()
        square = (exact[0] @ exact[1] @ exact[2].transpose(2, 3)).to(pictures)
    return square, seen


def _weights(start: Tensor, side: Tensor, size: int, length: int) -> tuple[Tensor, Tensor]:
    """Triangular weights (n, size, length) of the pixels of a line, and the share inside of it, (n, size)."""
    step = (side / size)[:, None]
    centre = (start[:, None] + (torch.arange(size, device=start.device) + 0.5) * step).float()
    support = step.clamp(min=1.0)[:, :, None].float()
    at = torch.arange(length, device=start.device) + 0.5
    weights = (1 - (at - centre[:, :, None]).abs() / support).clamp(min=0)
    total = weights.sum(dim=2, keepdim=True)
    inside = (centre.clamp(min=0, max=length) - centre).abs() < 1e-6  # noqa: PLR2004 - rounding
    weights = torch.where(inside[:, :, None], weights / total.clamp(min=1e-6), 0)
    return weights, inside.float()
