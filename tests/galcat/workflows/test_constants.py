"""What the encoder makes is as wide as the catalogue takes it: a search vector, and a cutout's field."""

from catalog.constants import FIELD_PX, SEARCH_DIMENSION
from encoder.model.encoder import load_encoder
from encoder.model.projection import SEARCH_DIMENSIONS
from encoder.model.recipe import ImageRecipe


def test_the_encoder_and_the_catalogue_agree_on_the_width_of_a_search_vector() -> None:
    assert load_encoder().projection.components.shape[0] == SEARCH_DIMENSION
    assert SEARCH_DIMENSIONS == SEARCH_DIMENSION


def test_the_encoder_and_the_service_agree_on_the_field_of_a_cutout() -> None:
    assert load_encoder().recipe.field_px == FIELD_PX
    assert ImageRecipe(size=64).field_px == FIELD_PX
