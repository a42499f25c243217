"""A picture in memory as a release shows it at inference: its frame found, or a share of it."""

from torch import Tensor

from encoder.cutouts.framing import cut_views, find_frames
from encoder.model.recipe import ImageRecipe
from encoder.training.pictures.augment import crop_and_resize
from encoder.training.pictures.simulated import KEPT_SHARE


def show_picture(image: Tensor, recipe: ImageRecipe, share: float) -> Tensor:
    """What inference shows of a picture.

    Args:
        image: (3, h, w) uint8.
        recipe: The image recipe of the release.
        share: Of the frame, which a release shows that does not find frames.

    Returns:
        (3, size, size) float32 in 0..1.
    """
    if recipe.framing is None:
        return crop_and_resize(image, share, recipe.size)
    rgb = image[None].float() / 255
    return cut_views(rgb, find_frames(rgb, recipe.framing.view_radii), recipe.size)[0]


def show_simulated(image: Tensor, recipe: ImageRecipe) -> Tensor:
    """What inference shows of a simulated galaxy, whose picture is the central `KEPT_SHARE` of its field.

    Args:
        image: (3, KEPT_PX, KEPT_PX) uint8.
        recipe: The image recipe of the release.

    Returns:
        (3, size, size) float32 in 0..1.
    """
    return show_picture(image, recipe, recipe.crop / KEPT_SHARE)
