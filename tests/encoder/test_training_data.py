import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from encoder.errors import TrainingError
from encoder.gz_tree import GZD5
from encoder.simulate import draw_cutouts
from encoder.stretch import to_rgb
from encoder.training.augment import Share
from encoder.training.campaigns import Campaigns
from encoder.training.config import SourceConfig
from encoder.training.data import Files, Labelled, Pictures, held_out, load_source
from encoder.training.simulated import KEPT_PX, simulated_galaxies

SHARE = Share(0.5, 1.0)
CAMPAIGNS = Campaigns.load(("gzd5",))


def test_the_held_out_share_is_kept_and_depends_on_the_name_alone() -> None:
    names = [f"{i}" for i in range(4000)]
    few, more = (SourceConfig("gz2_spirals", SHARE, held_out=share) for share in (0.2, 0.3))
    out = held_out(few, names)
    assert out.sum() == pytest.approx(800, abs=4 * np.sqrt(4000 * 0.2 * 0.8))
    np.testing.assert_array_equal(held_out(few, names[::-1]), out[::-1])
    assert held_out(more, names)[out].all()


def test_a_split_has_every_galaxy_once_with_its_own_image_and_votes() -> None:
    images = [torch.full((3, 4, 4), i, dtype=torch.uint8) for i in range(50)]
    votes = np.repeat(np.arange(50, dtype=np.float32)[:, None], 34, axis=1)
    ids, held = [f"g{i}" for i in range(50)], np.arange(50) % 3 == 0
    training, out = Labelled("efigi", ids, images, votes, SHARE, held).split()
    assert list(out.ids) == ids[::3]
    assert sorted([*training.ids, *out.ids]) == sorted(f"g{i}" for i in range(50))
    for part in (training, out):
        for i, name in enumerate(part.ids):
            assert name == f"g{int(part.images[i][0, 0, 0])}" == f"g{int(part.votes[i, 0])}"


def test_simulated_pictures_are_the_centre_of_the_stretched_cutouts_north_up(tmp_path: Path) -> None:
    galaxies = simulated_galaxies(3, 11, tmp_path)
    drawn = draw_cutouts(3, 11 * 1_000_003, 384)
    red, green, blue = drawn.flux[:, 2], drawn.flux[:, 1], drawn.flux[:, 0]
    upright = np.stack([red, green, blue], axis=1)[:, :, ::-1].copy()
    expected = (to_rgb(torch.from_numpy(upright)) * 255).round().to(torch.uint8)[:, :, 48:-48, 48:-48]
    for i in range(3):
        assert torch.equal(galaxies[i], expected[i])
    assert galaxies[0].shape == (3, KEPT_PX, KEPT_PX)
    np.testing.assert_array_equal(galaxies.votes, drawn.votes)


def test_simulated_pictures_are_drawn_once_and_a_half_written_cache_is_drawn_again(tmp_path: Path) -> None:
    first = simulated_galaxies(2, 1, tmp_path)
    before = np.array(first.pictures)
    marked = np.load(tmp_path / "simulated-1-2-pictures.npy", mmap_mode="r+")
    marked[0, 0, 0, 0] = 77
    marked.flush()
    assert simulated_galaxies(2, 1, tmp_path).pictures[0, 0, 0, 0] == 77
    (tmp_path / "simulated-1-2-votes.npy").unlink()
    np.testing.assert_array_equal(simulated_galaxies(2, 1, tmp_path).pictures, before)


def test_pictures_of_several_sources_are_random_by_seed_and_index_alone() -> None:
    sources = [_source(5, 10), _source(3, 200)]
    pictures = Pictures(sources, 16, seed=1)
    assert len(pictures) == 8
    assert [float(votes[0]) for _, votes in (pictures[i] for i in range(8))] == [10] * 5 + [200] * 3
    for i in (7, 0, 4):
        assert torch.equal(pictures[i][0], Pictures(sources, 16, seed=1)[i][0])
        assert not torch.equal(pictures[i][0], Pictures(sources, 16, seed=2)[i][0])
    plain = Pictures(sources, 16, seed=None)
    torch.testing.assert_close(plain[6][0], torch.full((3, 16, 16), 200 / 255))


def test_efigi_images_belong_to_their_votes(shared_data: Path, tmp_path: Path) -> None:
    config = SourceConfig("efigi", SHARE, folder=str(shared_data / "efigi"))
    source = load_source(config, CAMPAIGNS, tmp_path)
    table = pd.read_csv(shared_data / "efigi" / "attributes.csv").set_index("PGCname")
    assert len(source.ids) == 3096
    for i in (0, 1000, 3095):
        with Image.open(shared_data / "efigi" / "images" / table.loc[source.ids[i], "image"]) as file:
            expected = np.asarray(file.convert("RGB")).transpose(2, 0, 1)
        np.testing.assert_array_equal(source.images[i].numpy(), expected)


def test_spiral_labels_are_votes_on_the_path_to_the_question(shared_data: Path, tmp_path: Path) -> None:
    config = SourceConfig("gz2_spirals", SHARE, folder=str(shared_data / "gz2_spirals"))
    source = load_source(config, CAMPAIGNS, tmp_path)
    labels = pd.read_csv(shared_data / "gz2_spirals" / "labels.csv")["spiral"].to_numpy()
    yes, no = GZD5.index("has-spiral-arms_yes"), GZD5.index("has-spiral-arms_no")
    np.testing.assert_array_equal(source.votes[:, yes] > source.votes[:, no], labels == 1)
    asked = {q.name: source.votes[:, q.slice].sum(axis=1) for q in GZD5.questions}
    np.testing.assert_array_equal(asked["disk-edge-on"] > 0, labels == 1)
    assert (asked["bar"] == 0).all()


def test_a_broken_image_is_one_line_that_names_it(shared_data: Path, tmp_path: Path) -> None:
    whole = next((shared_data / "efigi" / "images").iterdir())
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(whole.read_bytes()[:600])
    for file in (broken, tmp_path / "gone.jpg"):
        with pytest.raises(TrainingError, match=f"training image .*{file.name} cannot be read") as caught:
            Files([file])[0]
        assert "\n" not in str(caught.value)


def test_a_missing_table_or_column_is_one_line_that_names_it(shared_data: Path, tmp_path: Path) -> None:
    config = SourceConfig("gz2_spirals", SHARE, folder=str(tmp_path))
    with pytest.raises(TrainingError, match=r"label table .*labels\.csv cannot be read"):
        load_source(config, CAMPAIGNS, tmp_path)
    shutil.copy(shared_data / "gz_decals_rings" / "labels.csv", tmp_path)
    with pytest.raises(TrainingError, match=r"labels\.csv has no column 'kaggle_galaxy_id'"):
        load_source(config, CAMPAIGNS, tmp_path)


def _source(n: int, value: int) -> Labelled:
    generator = torch.Generator().manual_seed(value)
    images = [torch.full((3, 30, 30), value, dtype=torch.uint8) for _ in range(n)]
    for image in images:
        image[:, 0, 0] = torch.randint(0, 255, (3,), generator=generator)
    votes = np.full((n, 34), value, np.float32)
    return Labelled("efigi", [str(i) for i in range(n)], images, votes, SHARE, np.zeros(n, np.bool_))
