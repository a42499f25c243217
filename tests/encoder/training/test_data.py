import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from astropy.io import fits
from PIL import Image

from encoder.cutouts.stretch import to_rgb
from encoder.errors import LabelTableError, TrainingError
from encoder.model.gz_tree import GZD5, load_tree
from encoder.simulation.cutouts import draw_cutouts
from encoder.surveys.survey_file import load_survey
from encoder.training.campaigns import Campaigns
from encoder.training.config import SourceConfig
from encoder.training.data import LabelledGalaxies, PictureDataset, unknown_traits
from encoder.training.labels.summed_answers import SUMMED
from encoder.training.pictures.augment import Share
from encoder.training.pictures.images import FileImages
from encoder.training.pictures.simulated import KEPT_PX, draw_galaxies
from encoder.training.sources import held_out_mask, load_source

SHARE = Share(0.5, 1.0)
CAMPAIGNS = Campaigns.load(("gzd5",))


def test_the_held_out_share_is_kept_and_depends_on_the_name_alone() -> None:
    names = [f"{i}" for i in range(4000)]
    few, more = (SourceConfig("unlabelled", SHARE, held_out=share) for share in (0.2, 0.3))
    out = held_out_mask(few, names)
    assert out.sum() == pytest.approx(800, abs=4 * np.sqrt(4000 * 0.2 * 0.8))
    np.testing.assert_array_equal(held_out_mask(few, names[::-1]), out[::-1])
    assert held_out_mask(more, names)[out].all()


def test_a_split_has_every_galaxy_once_with_its_own_image_and_votes() -> None:
    images = [torch.full((3, 4, 4), i, dtype=torch.uint8) for i in range(50)]
    votes = np.repeat(np.arange(50, dtype=np.float32)[:, None], 34, axis=1)
    ids, held = [f"g{i}" for i in range(50)], np.arange(50) % 3 == 0
    traits = np.repeat(np.arange(50, dtype=np.float32)[:, None], 2, axis=1)
    training, out = LabelledGalaxies("efigi", "efigi", ids, images, votes, SHARE, held, traits).split()
    assert list(out.ids) == ids[::3]
    assert sorted([*training.ids, *out.ids]) == sorted(f"g{i}" for i in range(50))
    for part in (training, out):
        for i, name in enumerate(part.ids):
            assert (
                name
                == f"g{int(part.images[i][0, 0, 0])}"
                == f"g{int(part.votes[i, 0])}"
                == f"g{int(part.traits[i, 1])}"
            )


def test_simulated_pictures_are_the_centre_of_the_stretched_cutouts_north_up(tmp_path: Path) -> None:
    galaxies = draw_galaxies(3, 11, tmp_path)
    drawn = draw_cutouts(3, 11 * 1_000_003, 384)
    red, green, blue = drawn.flux[:, 2], drawn.flux[:, 1], drawn.flux[:, 0]
    upright = np.stack([red, green, blue], axis=1)[:, :, ::-1].copy()
    expected = (to_rgb(torch.from_numpy(upright)) * 255).round().to(torch.uint8)[:, :, 48:-48, 48:-48]
    for i in range(3):
        assert torch.equal(galaxies[i], expected[i])
    assert galaxies[0].shape == (3, KEPT_PX, KEPT_PX)
    np.testing.assert_array_equal(galaxies.votes, drawn.votes)


def test_simulated_pictures_are_drawn_once_and_a_half_written_cache_is_drawn_again(tmp_path: Path) -> None:
    first = draw_galaxies(2, 1, tmp_path)
    before = np.array(first.pictures)
    marked = np.load(tmp_path / "simulated-1-2-pictures.npy", mmap_mode="r+")
    marked[0, 0, 0, 0] = 77
    marked.flush()
    assert draw_galaxies(2, 1, tmp_path).pictures[0, 0, 0, 0] == 77
    (tmp_path / "simulated-1-2-votes.npy").unlink()
    np.testing.assert_array_equal(draw_galaxies(2, 1, tmp_path).pictures, before)


def test_pictures_of_several_sources_are_random_by_seed_and_index_alone() -> None:
    sources = [_source(5, 10), _source(3, 200)]
    pictures = PictureDataset(sources, 16, seed=1)
    assert len(pictures) == 8
    assert [float(pictures[i].votes[0]) for i in range(8)] == [10] * 5 + [200] * 3
    for i in (7, 0, 4):
        assert torch.equal(pictures[i][0], PictureDataset(sources, 16, seed=1)[i][0])
        assert not torch.equal(pictures[i][0], PictureDataset(sources, 16, seed=2)[i][0])
    plain = PictureDataset(sources, 16, seed=None)
    torch.testing.assert_close(plain[6].rgb, torch.full((1, 3, 16, 16), 200 / 255))


def test_two_pictures_of_one_galaxy_differ_and_share_its_votes_and_traits() -> None:
    known = replace(_source(4, 10), traits=np.array([[0.5, np.nan]] * 4, np.float32))
    pictures = PictureDataset([known, _source(2, 200)], 16, seed=1, of_each=2)
    for i in (1, 5):
        assert pictures[i].rgb.shape == (2, 3, 16, 16)
        assert not torch.equal(*pictures[i].rgb)
    torch.testing.assert_close(pictures[1].traits, torch.tensor([0.5, torch.nan]), equal_nan=True)
    assert pictures[5].traits.isnan().all()


def test_a_folder_without_labels_gives_pictures_without_votes(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        _png(tmp_path / name, "RGB")
    config = SourceConfig("unlabelled", SHARE, folder=str(tmp_path))
    source = load_source(config, CAMPAIGNS, tmp_path)
    assert (source.name, source.ids, len(source.images)) == (tmp_path.name, ["a", "b"], 2)
    assert not source.votes.any()
    assert not source.held_out.any()


def test_efigi_traits_are_attributes_scaled_to_their_range(shared_data: Path, tmp_path: Path) -> None:
    config = SourceConfig("efigi", SHARE, folder=str(shared_data / "efigi"))
    source = load_source(config, Campaigns.load(("gzd5", "efigi")), tmp_path)
    table = pd.read_csv(shared_data / "efigi" / "attributes.csv").set_index("PGCname").loc[list(source.ids)]
    names = [
        name for name in table.columns if not name.endswith(("_inf", "_sup", "_Ring", "image", "Rotation"))
    ]
    names.remove("Contamination")
    expected = table[names].replace(-1, np.nan).assign(T=(table["T"] + 6) / 17)
    assert source.traits.shape == (3096, 12)
    np.testing.assert_allclose(source.traits, expected, rtol=1e-6)


def test_efigi_images_belong_to_their_votes(shared_data: Path, tmp_path: Path) -> None:
    config = SourceConfig("efigi", SHARE, folder=str(shared_data / "efigi"))
    source = load_source(config, CAMPAIGNS, tmp_path)
    table = pd.read_csv(shared_data / "efigi" / "attributes.csv").set_index("PGCname")
    assert len(source.ids) == 3096
    for i in (0, 1000, 3095):
        with Image.open(shared_data / "efigi" / "images" / table.loc[source.ids[i], "image"]) as file:
            expected = np.asarray(file.convert("RGB")).transpose(2, 0, 1)
        np.testing.assert_array_equal(source.images[i].numpy(), expected)


def test_published_vote_tables_are_read_with_their_images(shared_data: Path, tmp_path: Path) -> None:
    fixture = shared_data / "gz_decals_dr5_fixture"
    published = pd.read_csv(fixture / "gz_decals_volunteers_5.csv", index_col="iauname")
    config = SourceConfig(
        "votes", SHARE, folder=str(fixture), table=str(fixture / "gz_decals_volunteers_5.csv")
    )
    source = load_source(config, Campaigns.load(("gzd5", "gz2")), tmp_path)
    assert list(source.ids) == list(published.index)
    assert source.votes.shape == (6, 34 + load_tree("gz2").n_answers + SUMMED.n_answers)
    np.testing.assert_array_equal(source.votes[:, :34], published[list(GZD5.labels)].to_numpy())
    assert not source.votes[:, 34:].any()
    for name, image in zip(source.ids, source.images, strict=True):
        (file,) = fixture.rglob(f"{name}.png")
        with Image.open(file) as opened:
            np.testing.assert_array_equal(image.numpy(), np.asarray(opened.convert("RGB")).transpose(2, 0, 1))
    earlier = replace(config, table=str(fixture / "gz_decals_volunteers_1_and_2.csv"), tree="gzd1_2")
    votes = load_source(earlier, Campaigns.load(("gzd5", "gzd1_2")), tmp_path).votes
    assert not votes[:, :34].any()
    first = pd.read_csv(earlier.table).iloc[0]
    assert votes[0, 34:37].tolist() == [
        first[f"smooth-or-featured_{a}"] for a in ("smooth", "featured-or-disk", "artifact")
    ]


def test_a_vote_table_may_mix_jpeg_png_and_fits(tmp_path: Path) -> None:
    config = _vote_table(tmp_path)
    source = load_source(config, CAMPAIGNS, tmp_path)
    assert [tuple(image.shape) for image in source.images] == [(3, 20, 30), (3, 40, 40), (3, 424, 424)]
    flux = fits.getdata(tmp_path / "c.fits").astype(np.float32)
    seen = to_rgb(torch.from_numpy(flux[None])[:, [2, 1, 0]].flip(2))[0].flatten(1).mean(dim=1) * 255
    torch.testing.assert_close(source.images[2].float().flatten(1).mean(dim=1), seen, rtol=0.05, atol=1)
    pictures = PictureDataset([source], 32, seed=3)
    assert all(pictures[i].rgb.shape == (1, 3, 32, 32) for i in range(3))


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda table: table.drop(columns="bar_weak"), "has no column 'bar_weak'"),
        (lambda table: table.assign(bar_weak=[0, -1, 2]), "row 1: bar_weak = -1 is no vote count"),
        (lambda table: table.assign(iauname=["a", "b", "a"]), "row 2: 'a' occurs twice"),
        (lambda table: table.assign(bar_no=["3", "few", "1"]), "row 1: bar_no = 'few' is no number"),
        (lambda table: table.assign(file=["a.png", None, "c.fits"]), "row 1: no file"),
    ],
)
def test_a_wrong_vote_table_is_one_line(
    tmp_path: Path, broken: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    config = _vote_table(tmp_path)
    broken(pd.read_csv(config.table)).to_csv(config.table, index=False)
    with pytest.raises(LabelTableError) as caught:
        load_source(config, CAMPAIGNS, tmp_path)
    assert message in str(caught.value)
    assert config.table in str(caught.value)
    assert "\n" not in str(caught.value)


def test_images_that_are_not_there_and_trees_that_are_not_learnt_are_named(tmp_path: Path) -> None:
    config = replace(_vote_table(tmp_path), file_column="")
    pd.read_csv(config.table).assign(iauname=["a", "b", "z"]).to_csv(config.table, index=False)
    with pytest.raises(LabelTableError, match="row 2: no image called 'z' is in "):
        load_source(config, CAMPAIGNS, tmp_path)
    with pytest.raises(TrainingError, match="tree 'gz2' is not learnt here, only gzd5"):
        load_source(replace(config, tree="gz2"), CAMPAIGNS, tmp_path)
    with pytest.raises(TrainingError, match=r"c\.fits is FITS: say by survey what its bands are"):
        load_source(replace(_vote_table(tmp_path), survey=""), CAMPAIGNS, tmp_path)


def _png(path: Path, mode: str, side: int = 8) -> None:
    Image.new(mode, (side, side)).save(path)


def _truncate(path: Path) -> None:
    rng = np.random.default_rng(1)
    Image.fromarray(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:600])


def _animate(path: Path) -> None:
    frames = [Image.new("L", (8, 8), shade) for shade in (0, 99)]
    frames[0].save(path, save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("empty.jpg", lambda path: path.touch(), "unreadable picture: the file is empty"),
        ("gone.jpg", lambda _: None, "the picture is missing"),
        ("short.jpg", _truncate, "unreadable picture: "),
        ("deep.png", lambda path: _png(path, "I;16"), "a picture of kind I;16, not 8 bits a channel"),
        ("moving.png", _animate, "holds 2 pictures (an animation?), not one"),
        (
            "nan.fits",
            lambda path: fits.writeto(path, np.full((3, 9, 9), np.nan, np.float32)),
            "100% of the pixels of a band are bad",
        ),
        ("flat.fits", lambda path: fits.writeto(path, np.ones((9, 9), np.float32)), "not a cube of grz"),
    ],
)
def test_a_bad_training_image_is_one_line_that_names_it(
    tmp_path: Path, name: str, make: Callable[[Path], None], message: str
) -> None:
    make(tmp_path / name)
    with pytest.raises(TrainingError) as caught:
        FileImages([tmp_path / name], load_survey("decals_fits"))[0]
    assert str(caught.value).startswith(f"training image {tmp_path / name}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_grey_and_printing_colours_are_read_as_red_green_and_blue(tmp_path: Path) -> None:
    Image.new("L", (4, 4), 70).save(tmp_path / "grey.jpg")
    Image.new("CMYK", (4, 4), (0, 0, 0, 55)).save(tmp_path / "print.jpg")
    images = FileImages([tmp_path / "grey.jpg", tmp_path / "print.jpg"])
    assert images[0].unique().tolist() == [70]
    assert images[1].unique().tolist() == [200]


def test_a_missing_table_or_column_is_one_line_that_names_it(shared_data: Path, tmp_path: Path) -> None:
    config = SourceConfig("efigi", SHARE, folder=str(tmp_path))
    with pytest.raises(LabelTableError, match=r"no label table .*attributes\.csv"):
        load_source(config, CAMPAIGNS, tmp_path)
    shutil.copy(shared_data / "gz_decals_rings" / "labels.csv", tmp_path / "attributes.csv")
    with pytest.raises(LabelTableError, match=r"attributes\.csv has no column 'PGCname'"):
        load_source(config, CAMPAIGNS, tmp_path)


def _vote_table(folder: Path) -> SourceConfig:
    """Three galaxies with random votes: a JPEG, a PNG and a FITS cube."""
    rng = np.random.default_rng(8)
    Image.new("RGB", (30, 20), (9, 99, 199)).save(folder / "a.jpg")
    Image.new("L", (40, 40), 50).save(folder / "b.png")
    cube = rng.uniform(0.01, 0.02, (3, 48, 48)).astype(np.float32)
    fits.writeto(folder / "c.fits", cube, overwrite=True)
    table = pd.DataFrame(rng.integers(0, 30, (3, 34)), columns=list(GZD5.labels))
    table = table.assign(iauname=["a", "b", "c"], file=["a.jpg", "b.png", "c.fits"])
    table.to_csv(folder / "votes.csv", index=False)
    return SourceConfig(
        "votes",
        SHARE,
        folder=str(folder),
        table=str(folder / "votes.csv"),
        file_column="file",
        survey="decals_fits",
    )


def _source(n: int, value: int) -> LabelledGalaxies:
    generator = torch.Generator().manual_seed(value)
    images = [torch.full((3, 30, 30), value, dtype=torch.uint8) for _ in range(n)]
    for image in images:
        image[:, 0, 0] = torch.randint(0, 255, (3,), generator=generator)
    votes = np.full((n, 34), value, np.float32)
    ids, out = [str(i) for i in range(n)], np.zeros(n, np.bool_)
    return LabelledGalaxies("efigi", "efigi", ids, images, votes, SHARE, out, unknown_traits(n))
