import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors
import torch
from safetensors.torch import save_file

from encoder.errors import EncoderError, WeightsError
from encoder.model.encoder import load_encoder
from encoder.model.gz_tree import GZD5
from encoder.model.weights_file import read_weights, write_weights
from tests.encoder.releases import galaxies, random_release, random_weights


def test_a_release_read_back_is_the_release_written(tmp_path: Path) -> None:
    written = random_weights(view_set=8)
    write_weights(tmp_path / "r.safetensors", written)
    read = read_weights(tmp_path / "r.safetensors")
    for name in ("name", "backbone", "tree", "recipe", "view_set", "training"):
        assert getattr(read, name) == getattr(written, name)
    for name in ("mean", "components", "deviations"):
        np.testing.assert_array_equal(getattr(read.projection, name), getattr(written.projection, name))
    assert read.projection.scale == written.projection.scale
    for key, tensor in written.network.state_dict().items():
        rounded = tensor.half().to(tensor.dtype) if tensor.ndim > 1 else tensor
        assert torch.equal(read.network.state_dict()[key], rounded), key


def test_the_same_release_gives_the_same_bytes_and_so_the_same_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    first, second = random_release(tmp_path), random_release(tmp_path / "a")
    assert first.read_bytes() == second.read_bytes()
    encoder = load_encoder(first, "cpu")
    assert encoder.sha256 == hashlib.sha256(second.read_bytes()).hexdigest()


def test_the_encoder_says_what_the_plain_network_says(tmp_path: Path) -> None:
    file = random_release(tmp_path)
    pictures = galaxies(5)
    with torch.inference_mode():
        expected = read_weights(file).network(pictures)
    encoded = load_encoder(file, "cpu").encode(pictures)
    scale = float(expected.embedding.abs().max())
    np.testing.assert_allclose(encoded.embedding, expected.embedding.numpy(), rtol=1e-3, atol=1e-4 * scale)
    np.testing.assert_allclose(encoded.concentrations_alpha, expected.alpha.numpy(), rtol=1e-3)
    assert encoded.embedding.dtype == encoded.concentrations_alpha.dtype == np.float32
    assert encoded.embedding.shape == (5, 1280)


def test_a_grey_release_takes_colour_pictures_and_sees_their_luma(tmp_path: Path) -> None:
    written = random_weights(channels=1)
    write_weights(tmp_path / "grey.safetensors", written)
    assert written.network.backbone.conv_stem.weight.shape[1] == 1
    encoder = load_encoder(tmp_path / "grey.safetensors", "cpu")
    assert encoder.recipe.channels == 1
    colour = galaxies(3)
    luma = (colour * torch.tensor([0.2989, 0.587, 0.114]).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
    grey = (luma / 0.9999).expand(-1, 3, -1, -1)  # the weights' sum
    in_colour, in_grey = encoder.encode(colour), encoder.encode(grey)
    np.testing.assert_allclose(in_colour.embedding, in_grey.embedding, rtol=1e-3, atol=1e-4)
    assert not np.allclose(encoder.encode(colour.flip(1)).embedding, in_colour.embedding, atol=1e-3)


def test_eight_views_average_the_vectors_of_all_symmetries(tmp_path: Path) -> None:
    one, eight = (load_encoder(random_release(tmp_path, views), "cpu") for views in (1, 8))
    pictures = galaxies(3)
    symmetries = [pictures, pictures.transpose(2, 3)]
    turned = [s.rot90(k, dims=(2, 3)).contiguous() for s in symmetries for k in range(4)]
    expected = np.mean([one.encode(view).embedding for view in turned], axis=0)
    np.testing.assert_allclose(eight.encode(pictures).embedding, expected, rtol=1e-3, atol=1e-5)


def test_eight_views_give_a_galaxy_the_same_vector_however_it_is_turned(tmp_path: Path) -> None:
    encoder = load_encoder(random_release(tmp_path, view_set=8), "cpu")
    upright = encoder.encode(galaxies(3))
    turned = encoder.encode(galaxies(3).rot90(1, dims=(2, 3)).flip(2).contiguous())
    np.testing.assert_allclose(turned.embedding, upright.embedding, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(turned.concentrations_alpha, upright.concentrations_alpha, rtol=1e-3)


def test_no_pictures_give_no_vectors_and_wrong_ones_are_refused(tmp_path: Path) -> None:
    encoder = load_encoder(random_release(tmp_path), "cpu")
    assert encoder.encode(galaxies(0)).embedding.shape == (0, 1280)
    assert encoder.encode(galaxies(0)).concentrations_alpha.shape == (0, 34)
    with pytest.raises(
        ValueError, match=r"pictures of shape \(2, 3, 32, 32\) where \(n, 3, 48, 48\) is wanted"
    ):
        encoder.encode(galaxies(2, size=32))


def test_a_missing_file_is_one_line_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"no weights file .*gone\.safetensors"):
        load_encoder(tmp_path / "gone.safetensors", "cpu")


@pytest.mark.parametrize("kept", [0, 4, 1000, -1000])
def test_a_damaged_file_is_one_line_that_names_it(tmp_path: Path, kept: int) -> None:
    file = random_release(tmp_path)
    file.write_bytes(file.read_bytes()[:kept])
    assert "test-1.safetensors" in _error_line(file)


def test_a_folder_is_one_line_that_names_it(tmp_path: Path) -> None:
    assert tmp_path.name in _error_line(tmp_path)


def test_tensors_of_another_program_are_refused(tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    assert "is no galcat encoder" in _error_line(tmp_path / "other.safetensors")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"backbone": "galaxynet"}, "no backbone called 'galaxynet'"),
        ({"backbone": "mobilenetv3_small_050"}, "no whole galcat encoder"),
        ({"tree": "gzd9"}, "gzd9"),
        ({"view_set": 3}, "view set 3"),
        ({"recipe": {"size": -4}}, "image size -4 is not positive"),
        ({"recipe": {"size": 48, "zoom": 2}}, "unknown entry 'zoom'"),
        ({"projection_scale": None}, "no whole galcat encoder"),
    ],
)
def test_metadata_that_do_not_fit_are_one_line(tmp_path: Path, change: dict[str, object], told: str) -> None:
    file = random_release(tmp_path)
    _rewrite_metadata(file, change)
    assert told in _error_line(file)


def test_a_device_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="this machine has no device 'tpu'"):
        load_encoder(random_release(tmp_path), "tpu")


def _error_line(file: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        load_encoder(file, "cpu")
    text = str(caught.value)
    assert "\n" not in text
    return text


def _rewrite_metadata(file: Path, change: dict[str, object]) -> None:
    with safetensors.safe_open(file, framework="pt") as opened:
        about = json.loads(opened.metadata()["galcat"]) | change
        tensors = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118 - not a dict
    save_file(tensors, file, metadata={"galcat": json.dumps(about)})


def test_a_release_of_before_is_answered_by_as_it_was(tmp_path: Path) -> None:
    file = random_release(tmp_path, view_set=8)
    with safetensors.safe_open(file, "pt") as content:
        about = json.loads(content.metadata()["galcat"])
    assert not {"alpha_floor", "concentration_scales"} & about.keys()
    encoder = load_encoder(file, "cpu")
    assert (encoder.alpha_floor, encoder.scales) == (1.0, ())
    features = torch.from_numpy(encoder.features(galaxies(3)))
    with torch.inference_mode():
        single = 100 * torch.sigmoid(encoder._network.head(features)) + 1
    one_view = replace(encoder, view_set=1).encode(galaxies(3)).concentrations_alpha
    assert one_view.min() >= 1
    np.testing.assert_array_equal(one_view, single.numpy())


def test_scales_widen_the_posteriors_and_a_floor_lets_a_fraction_be_small(tmp_path: Path) -> None:
    plain = random_weights()
    plain.network.head.bias.data.sub_(6)
    write_weights(tmp_path / "plain.safetensors", plain)
    scales = tuple(float(s) for s in np.linspace(0.3, 2, len(GZD5.questions)))
    plain.network.alpha_floor = 0.05
    write_weights(tmp_path / "scaled.safetensors", replace(plain, scales=scales))
    before, after = (load_encoder(tmp_path / f"{name}.safetensors", "cpu") for name in ("plain", "scaled"))
    assert (after.alpha_floor, after.scales) == (0.05, scales)
    one, other = (encoder.encode(galaxies(4)).concentrations_alpha for encoder in (before, after))
    for question, scale in zip(GZD5.questions, scales, strict=True):
        expected = (one[:, question.slice] - 0.95) * scale
        np.testing.assert_allclose(other[:, question.slice], expected, rtol=0.02, atol=0.01)
    assert GZD5.fractions(other).min() < 0.5 * GZD5.fractions(one).min()
    assert other.min() < 0.1


@pytest.mark.parametrize(
    ("entry", "value", "told"),
    [
        ("alpha_floor", 0, "alpha_floor = 0 is no positive number"),
        ("alpha_floor", "low", "alpha_floor = 'low' is no positive number"),
        ("concentration_scales", {"bar": 1.0}, "its concentration_scales are not those of the questions"),
    ],
)
def test_a_wrong_floor_or_scale_is_one_line_that_names_it(
    tmp_path: Path, entry: str, value: object, told: str
) -> None:
    file = random_release(tmp_path)
    with safetensors.safe_open(file, "pt") as content:
        about = json.loads(content.metadata()["galcat"]) | {entry: value}
        tensors = {key: content.get_tensor(key) for key in content.keys()}  # noqa: SIM118 - no dictionary
    save_file(tensors, file, metadata={"galcat": json.dumps(about)})
    with pytest.raises(WeightsError, match=told) as raised:
        load_encoder(file, "cpu")
    assert str(file) in str(raised.value)
