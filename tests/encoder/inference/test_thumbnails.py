import io

import numpy as np
import torch
from PIL import Image

from encoder.inference.embed import encode_jpegs


def test_a_thumbnail_decodes_to_the_picture_shrunk_by_averaging() -> None:
    coarse = torch.rand(2, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    pictures = torch.nn.functional.interpolate(coarse, size=192, mode="bicubic").clamp(0, 1)
    averaged = torch.nn.functional.avg_pool2d(pictures, 2)
    for i, jpeg in enumerate(encode_jpegs(pictures, 96)):
        image = Image.open(io.BytesIO(jpeg))
        assert (image.format, image.size, image.mode) == ("JPEG", (96, 96), "RGB")
        difference = np.asarray(image) / 255 - averaged[i].permute(1, 2, 0).numpy()
        assert np.abs(difference).mean() < 0.02
        assert np.abs(difference).max() < 0.15


def test_fine_stripes_become_grey_and_no_moire() -> None:
    stripes = torch.zeros(1, 3, 288, 288)
    stripes[..., ::2] = 1
    (jpeg,) = encode_jpegs(stripes, 96)
    inside = np.asarray(Image.open(io.BytesIO(jpeg)))[4:-4, 4:-4]
    assert np.abs(inside.astype(int) - 128).max() < 30


def test_the_same_pixels_give_the_same_bytes_and_no_picture_gives_none() -> None:
    pictures = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    assert encode_jpegs(pictures) == encode_jpegs(pictures.clone())
    assert encode_jpegs(pictures[:0]) == []
