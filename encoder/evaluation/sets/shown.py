"""A picture as a recipe shows it with room around, so that it can be turned and moved."""

import torch
from torch import Tensor

from encoder.cutouts.framing import cut_views, find_frames
from encoder.model.recipe import ImageRecipe
from encoder.training.pictures.augment import crop_and_resize
from encoder.training.pictures.framed_images import KEPT_WIDTHS


def show_widely(image: Tensor, recipe: ImageRecipe, share: float) -> Tensor:
    """`KEPT_WIDTHS` times what the network sees, (3, h, h) uint8.

    Args:
        image: The whole picture, (3, h, w) uint8.
        recipe: The recipe of the release.
        share: Of the picture's width that the network sees, for a recipe that finds no frames.
    """
    size = round(recipe.size * KEPT_WIDTHS)
    if recipe.framing is None:
        wide = crop_and_resize(image, share * KEPT_WIDTHS, size)
    else:
        rgb = image[None].float() / 255
        wide = cut_views(rgb, find_frames(rgb, recipe.framing.view_radii), size, KEPT_WIDTHS)[0]
    return (wide * 255).round().to(torch.uint8)
