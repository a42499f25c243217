import json
import re

import pytest

from encoder.errors import WeightsError
from encoder.model.recipe import FramingRule, ImageRecipe, Stretch


def test_a_recipe_comes_back_equal_from_json() -> None:
    recipe = ImageRecipe(size=160, field_px=300, crop=0.35, stretch=Stretch(maximum=200.0), input_mean=0.4)
    assert ImageRecipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_a_rule_of_framing_comes_back_equal_and_a_recipe_without_one_has_no_entry() -> None:
    recipe = ImageRecipe(size=128, crop=0.4, framing=FramingRule(view_radii=3.0))
    assert ImageRecipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    assert "framing" not in ImageRecipe(size=128).to_dict()
    assert ImageRecipe.from_dict({"size": 8, "framing": True}).framing == FramingRule(3.2, 1)
    assert ImageRecipe.from_dict({"size": 8, "framing": False}) == ImageRecipe(size=8)


def test_what_is_not_said_is_the_galaxy_zoo_decals_recipe() -> None:
    recipe = ImageRecipe.from_dict({"size": 128})
    assert (recipe.field_px, recipe.crop) == (424, 1.0)
    assert recipe.stretch == Stretch(minimum=-0.5, maximum=300.0, desaturation=2.5)
    assert recipe.input_mean == pytest.approx(127 / 255)
    assert recipe.input_deviation == pytest.approx(128 / 255)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "no whole number 'size'"),
        ({"size": 12.5}, "no whole number 'size'"),
        ({"size": 0}, "image size 0 is not positive"),
        ({"size": 8, "crop": 0}, "image crop 0 is not in 0..1"),
        ({"size": 8, "crop": 1.5}, "image crop 1.5 is not in 0..1"),
        ({"size": 8, "field_px": -1}, "image field -1 px is not positive"),
        ({"size": 8, "input_deviation": 0}, "input deviation 0 is not positive"),
        ({"size": 8, "channels": 2}, "image channels 2 are neither 1 (grey) nor 3 (colour)"),
        ({"size": 8, "channels": 1.0}, "image channels 1.0 are neither 1 (grey) nor 3 (colour)"),
        ({"size": 8, "crop": "half"}, "crop = 'half' is not a number"),
        ({"size": 8, "crop": float("nan")}, "crop = nan is not a number"),
        ({"size": 8, "zoom": 2}, "unknown entry 'zoom'"),
        ({"size": 8, "stretch": 3}, "stretch 3 is not a table"),
        ({"size": 8, "stretch": {"minimum": 400}}, "stretch from 400 to 300.0 is empty"),
        ({"size": 8, "stretch": {"desaturation": 0}}, "desaturation 0 is not positive"),
        ({"size": 8, "framing": 3}, "framing 3 is neither a table nor true"),
        ({"size": 8, "framing": {"view_radii": 0}}, "framing view_radii 0 is not positive"),
        ({"size": 8, "framing": {"finder": 9}}, "framing finder 9 is unknown"),
        ({"size": 8, "framing": {"radii": 3}}, "framing has an unknown entry 'radii'"),
    ],
)
def test_a_wrong_recipe_is_one_line_that_says_what(values: dict[str, object], told: str) -> None:
    with pytest.raises(WeightsError, match=re.escape(told)):
        ImageRecipe.from_dict(values)
