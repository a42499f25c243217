"""Sources of real pictures: frames found once, judged galaxies left out, some shown in each epoch."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from encoder.cutouts.picture_batches import Seeing, see_files
from encoder.errors import LabelTableError
from encoder.model.recipe import FramingRule, ImageRecipe
from encoder.training.campaigns import Campaigns
from encoder.training.config import SourceConfig
from encoder.training.data import InferencePictures, PictureDataset
from encoder.training.pictures.augment import Share
from encoder.training.pictures.framed_images import KEPT_PX, KEPT_WIDTHS, frame_images
from encoder.training.sources import load_source

CAMPAIGNS = Campaigns.load(("gzd5", "gz2"))
SHARE = Share(0.5, 0.8)
CLASSES = ["elliptical", "edge-on", "dont-know", "merger", "spiral-clockwise"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five round galaxies of Gaussian width 5 to 9 px in pictures of 80 and 100 px."""
    (tmp_path / "images").mkdir()
    for i in range(len(CLASSES)):
        at = np.arange(80 + 20 * (i % 2)) - 39.5 - 10 * (i % 2)
        light = 200 * np.exp(-(at**2 + at[:, None] ** 2) / (2 * (5 + i) ** 2))
        Image.fromarray(np.repeat(light[:, :, None], 3, axis=2).astype(np.uint8)).save(
            tmp_path / "images" / f"{i}.png"
        )
    ids = [str(i) for i in range(len(CLASSES))]
    table = pd.DataFrame({"id": ids, "image": [f"{i}.png" for i in ids], "gz1_class": CLASSES})
    table.to_csv(tmp_path / "labels.csv", index=False)
    return tmp_path


def test_galaxies_of_any_size_are_kept_at_one_size_and_measured_once(folder: Path, tmp_path: Path) -> None:
    config = SourceConfig("gz1_classes", SHARE, str(folder), framed=True)
    source = load_source(config, CAMPAIGNS, tmp_path / "cache")
    pictures = [source.images[i].float().mean(dim=0) for i in range(len(source.ids))]
    for picture in pictures:
        assert picture.shape == (KEPT_PX, KEPT_PX)
        # The radius of 90 % of the light is 1.93 widths of the Gaussian, the view 3.2 radii, kept 1.5 views.
        half_light_px = (picture > 100).sum().div(torch.pi).sqrt()
        expected = np.sqrt(2 * np.log(2)) * KEPT_PX / (KEPT_WIDTHS * 3.2 * 1.93)
        assert float(half_light_px) == pytest.approx(expected, rel=0.1)
    kept = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "cache").iterdir()}
    load_source(config, CAMPAIGNS, tmp_path / "cache")
    assert {file.name: file.stat().st_mtime_ns for file in (tmp_path / "cache").iterdir()} == kept


@pytest.mark.parametrize("framing", [FramingRule(), FramingRule(view_radii=2.6)])
def test_a_framed_source_is_encoded_for_the_release_as_inference_will_see_its_files(
    folder: Path, tmp_path: Path, framing: FramingRule
) -> None:
    recipe = ImageRecipe(size=40, framing=framing)
    paths = sorted((folder / "images").iterdir())
    (seen,) = see_files(
        paths, Seeing(recipe, torch.device("cpu")), 8, lambda _, error: pytest.fail(str(error))
    )
    framed = load_source(
        SourceConfig("unlabelled", SHARE, str(folder), framed=True), CAMPAIGNS, tmp_path / "c"
    )
    plain = load_source(SourceConfig("unlabelled", SHARE, str(folder)), CAMPAIGNS, tmp_path / "c")
    for source, tolerance in ((plain, 1e-5), (framed, 0.006)):
        shown = torch.stack([InferencePictures(source, recipe)[i] for i in range(len(paths))])
        assert float((shown - seen.rgb).abs().mean()) < tolerance
    wide = InferencePictures(plain, ImageRecipe(size=40))[0]
    assert float((wide - seen.rgb[0]).abs().mean()) > 0.05


def test_a_galaxy_of_which_the_label_says_nothing_and_one_that_is_judged_on_are_not_there(
    folder: Path, tmp_path: Path
) -> None:
    left_out = tmp_path / "left_out.csv"
    left_out.write_text("set,id\ngz1_classes,3\ngz2_votes,0\n")
    config = SourceConfig("gz1_classes", SHARE, str(folder), left_out=str(left_out))
    assert list(load_source(config, CAMPAIGNS, tmp_path).ids) == ["0", "1", "4"]


def test_an_epoch_shows_as_many_galaxies_as_the_source_says_and_another_epoch_others(
    folder: Path, tmp_path: Path
) -> None:
    some = load_source(SourceConfig("gz1_classes", SHARE, str(folder), shown=2), CAMPAIGNS, tmp_path)
    every = load_source(SourceConfig("gz1_classes", SHARE, str(folder)), CAMPAIGNS, tmp_path)
    pictures = PictureDataset([some, every], 32, 1)
    orders = [pictures.epoch_order(seed) for seed in range(20)]
    assert all(len(order) == len(set(order)) == 2 + 4 for order in orders)
    assert all({4, 5, 6, 7} <= set(order) for order in orders)
    assert {i for order in orders for i in order if i < 4} == {0, 1, 2, 3}
    assert pictures.epoch_order(3) == orders[3]


def test_a_label_table_without_its_column_is_one_line(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(LabelTableError, match="has no column 'largest_of_37'"):
        load_source(SourceConfig("gz2_kaggle", SHARE, str(folder)), CAMPAIGNS, tmp_path)


def test_the_cache_knows_the_pictures_apart(tmp_path: Path) -> None:
    pictures = [torch.zeros(3, 40, 40, dtype=torch.uint8), torch.full((3, 40, 40), 9, dtype=torch.uint8)]
    for name in ("one", "other"):
        frame_images(pictures, "set", name, tmp_path)
    assert len(list(tmp_path.iterdir())) == 4
