"""Thumbnails: the picture that the network saw, small, as JPEG bytes for the catalogue."""

import io

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import functional

_QUALITY = 85


def encode_jpegs(rgb: Tensor, size: int = 96) -> list[bytes]:
    """One JPEG for each picture.

    Args:
        rgb: Pictures of n galaxies, (n, 3, s, s) float32 in 0..1, on any device.
        size: Width and height of the JPEG, pixels; a larger picture is shrunk antialiased.
    """
    small = functional.resize(rgb, [size, size], antialias=True)
    pixels = (small.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    return [_encode_jpeg(Image.fromarray(picture)) for picture in pixels]


def _encode_jpeg(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, format="JPEG", quality=_QUALITY)
    return file.getvalue()
