"""A ready-made picture file as the network's input."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from encoder.errors import ImageError

EIGHT_BIT = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"}


def read_picture(path: Path, size: int, crop: float) -> Tensor:
    """Decodes a JPEG or PNG whose picture spans the whole field; of an oblong one, the central square.

    Args:
        path: any 8-bit picture that Pillow reads.
        size: pixels of the square result; shrinking is antialiased (bicubic).
        crop: central share of the field to keep.

    Returns:
        (3, size, size) float32, red, green, blue in 0..1.

    Raises:
        ImageError: the file is missing, damaged, truncated, or has more than 8 bits a channel.
    """
    try:
        with Image.open(path) as image:
            if image.mode not in EIGHT_BIT:
                raise ImageError(f"{path}: a picture of kind {image.mode}, not 8 bits a channel")
            colour = image.convert("RGB")
    except FileNotFoundError:
        raise ImageError(f"{path}: the picture is missing") from None
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ImageError(f"{path}: unreadable picture: {reason}") from error
    side = min(colour.size) * crop
    left, top = (colour.width - side) / 2, (colour.height - side) / 2
    square = colour.resize((size, size), Image.Resampling.BICUBIC, (left, top, left + side, top + side))
    return torch.from_numpy(np.asarray(square, dtype=np.float32).transpose(2, 0, 1) / np.float32(255))
