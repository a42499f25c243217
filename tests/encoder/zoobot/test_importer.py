"""Checkpoints as Zoobot writes them, made of timm networks with known weights: the hub is out of reach."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import timm
import torch
from PIL import Image
from torch import nn

from encoder.cutouts.image_list import list_images
from encoder.errors import ImageError, WeightsError
from encoder.model.encoder import load_encoder
from encoder.model.gz_tree import GZD5
from encoder.surveys.survey_file import load_survey
from encoder.training.head.vote_table import read_vote_table
from encoder.training.pictures.augment import crop_and_resize
from encoder.training.pictures.images import FileImages
from encoder.training.pictures.simulated import SimulatedGalaxies, draw_galaxies
from encoder.zoobot.importer import SAMPLE_SEED, ImportReport, import_zoobot
from encoder.zoobot.votes_head import RealVotes
from tests.encoder.releases import galaxies

SIZE = 64
SAMPLE = 48
SURVEY = load_survey("decals_fits")

pytestmark = pytest.mark.xdist_group("zoobot")  # they share the sample, which is drawn once


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> SimulatedGalaxies:
    """The sample of simulated galaxies, which is the same for every import."""
    return draw_galaxies(SAMPLE, SAMPLE_SEED, tmp_path_factory.mktemp("sample"))


@pytest.fixture(autouse=True)
def drawn_once(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Draw the sample for the first import only."""

    def same_again(n: int, seed: int, _: Path) -> SimulatedGalaxies:
        assert (n, seed) == (SAMPLE, SAMPLE_SEED)
        found: SimulatedGalaxies = request.getfixturevalue("drawn")
        return found

    monkeypatch.setattr("encoder.zoobot.importer.draw_galaxies", same_again)


def make_network(backbone: str, channels: int) -> nn.Module:
    """A timm network with random weights that float16 holds exactly."""
    torch.manual_seed(3)
    network: nn.Module = timm.create_model(backbone, num_classes=0, in_chans=channels)
    if (
        backbone == "efficientnet_b0"
    ):  # untrained, its vectors vanish: give its norms the statistics of pictures
        for norm in (module for module in network.modules() if isinstance(module, nn.BatchNorm2d)):
            norm.momentum = 1.0
        network(galaxies(16, SIZE)[:, :channels])
    network.eval()
    with torch.no_grad():
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(tensor.half().float())
    return network


def lightning(
    path: Path, backbone: str, channels: int, campaign: str = "", compiled: bool = False, answers: int = 34
) -> tuple[nn.Module, nn.Linear]:
    """A `.ckpt` as `ZoobotTree` saves it; returns the network and the head that are in it."""
    network, head = (
        make_network(backbone, channels),
        nn.Linear(make_network(backbone, channels).num_features, answers),
    )
    with torch.no_grad():
        head.weight.copy_((head.weight * 20).half().float())
    prefix = "encoder._orig_mod." if compiled else "encoder."
    state = {prefix + key: tensor for key, tensor in network.state_dict().items()}
    state |= {"head.1.0.weight": head.weight.detach(), "head.1.0.bias": head.bias.detach()}
    state["loss_metrics.train/supervised_loss.mean_value"] = torch.zeros(())
    pairs = {f"{q.name}{campaign}": [f"_{answer}" for answer in q.answers] for q in GZD5.questions}
    settings = {
        "output_dim": answers,
        "question_answer_pairs": pairs,
        "dependencies": dict.fromkeys(pairs),
        "architecture_name": backbone,
        "channels": channels,
        "timm_kwargs": {},
        "test_time_dropout": True,
    }
    torch.save({"epoch": 8, "state_dict": state, "hyper_parameters": settings}, path)
    return network, head


def hub_folder(folder: Path, backbone: str, channels: int, weights: str) -> nn.Module:
    """A folder as timm pushes it to the hub."""
    network = make_network(backbone, channels)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"architecture": backbone, "num_classes": 0}))
    if weights.endswith(".safetensors"):
        safetensors.torch.save_file(network.state_dict(), folder / weights)
    else:
        torch.save(network.state_dict(), folder / weights)
    return network


def import_checkpoint(
    source: Path | str, output: Path, size: int | None = SIZE, **options: object
) -> ImportReport:
    return import_zoobot(
        str(source),
        output,
        "zoo",
        size=size,
        galaxies=SAMPLE,
        survey=SURVEY,
        **options,  # type: ignore[arg-type]
    )


def expected_vectors(network: nn.Module, rgb: torch.Tensor, channels: int) -> np.ndarray:
    if channels == 1:
        rgb = (rgb * torch.tensor([0.2989, 0.587, 0.114]).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
    with torch.inference_mode():
        answer: np.ndarray = network(rgb).numpy()
    return answer


@pytest.mark.parametrize(
    ("backbone", "channels", "compiled", "campaign"),
    [
        ("convnext_atto", 3, True, "-dr5"),
        pytest.param("efficientnet_b0", 1, False, "", marks=pytest.mark.long),
        ("resnet18", 3, False, "-dr8"),
    ],
)
def test_a_lightning_checkpoint_keeps_its_vectors_and_its_votes(
    tmp_path: Path, backbone: str, channels: int, compiled: bool, campaign: str
) -> None:
    network, head = lightning(tmp_path / "epoch=8.ckpt", backbone, channels, campaign, compiled)
    made = import_checkpoint(tmp_path / "epoch=8.ckpt", tmp_path / "zoo.safetensors")
    assert made == ImportReport(backbone, channels, network.num_features, own_head=True)
    encoder = load_encoder(tmp_path / "zoo.safetensors", "cpu")
    assert (encoder.recipe.size, encoder.recipe.crop, encoder.recipe.channels) == (SIZE, 0.75, channels)
    rgb = galaxies(5, SIZE)
    encoded = encoder.encode(rgb)
    vectors = expected_vectors(network, rgb, channels)
    np.testing.assert_allclose(encoded.embedding, vectors, rtol=2e-3, atol=2e-3 * np.abs(vectors).max())
    with torch.inference_mode():
        alpha = 100 * torch.sigmoid(head(torch.from_numpy(vectors))) + 1
    np.testing.assert_allclose(encoded.concentrations_alpha, alpha.numpy(), rtol=2e-2)
    assert encoder.training == {
        "imported_from": "epoch=8.ckpt",
        "head": "the checkpoint's own",
        "projection": f"{SAMPLE} simulated galaxies and 0 images",
    }


def test_the_projection_is_that_of_the_sample_as_the_release_sees_it(
    tmp_path: Path, drawn: SimulatedGalaxies
) -> None:
    lightning(tmp_path / "z.ckpt", "resnet18", 3)
    folder = tmp_path / "cutouts"
    folder.mkdir()
    rng = np.random.default_rng(1)
    for i in range(3):
        Image.fromarray(rng.integers(0, 255, (40, 40, 3), np.uint8)).save(folder / f"{i}.png")
    import_checkpoint(tmp_path / "z.ckpt", tmp_path / "zoo.safetensors", images=list_images([folder]))
    encoder = load_encoder(tmp_path / "zoo.safetensors", "cpu")
    rgb = torch.stack([crop_and_resize(drawn[i], 1.0, SIZE) for i in range(SAMPLE)])
    real = torch.stack(
        [
            crop_and_resize(
                torch.from_numpy(np.array(Image.open(folder / f"{i}.png"))).permute(2, 0, 1), 0.75, SIZE
            )
            for i in range(3)
        ]
    )
    vectors = encoder.encode(torch.cat([rgb, real])).embedding
    np.testing.assert_allclose(encoder.projection.mean, vectors.mean(axis=0), rtol=0.01, atol=0.01)
    search = encoder.projection.apply(vectors)
    pairs = np.linalg.norm(search[:, None] - search[None], axis=2)
    assert pairs[~np.eye(len(search), dtype=bool)].mean() == pytest.approx(1, abs=0.08)


@pytest.mark.parametrize(
    ("backbone", "channels", "weights", "size"),
    [
        ("convnext_atto", 1, "pytorch_model.bin", SIZE),
        pytest.param("efficientnet_b0", 3, "model.safetensors", SIZE, marks=pytest.mark.long),
        pytest.param("maxvit_rmlp_pico_rw_256", 3, "model.safetensors", None, marks=pytest.mark.long),
    ],
)
def test_an_encoder_of_the_hub_gets_a_head_from_the_simulator(
    tmp_path: Path, backbone: str, channels: int, weights: str, size: int | None
) -> None:
    network = hub_folder(tmp_path / "hub", backbone, channels, weights)
    made = import_checkpoint(tmp_path / "hub", tmp_path / "zoo.safetensors", size)
    assert (made.backbone, made.channels, made.own_head) == (backbone, channels, False)
    encoder = load_encoder(tmp_path / "zoo.safetensors", "cpu")
    rgb = galaxies(2, size or 256)
    vectors = expected_vectors(network, rgb, channels)
    np.testing.assert_allclose(
        encoder.encode(rgb).embedding, vectors, rtol=5e-3, atol=5e-3 * np.abs(vectors).max()
    )
    assert encoder.training["head"] == f"linear, fitted on {SAMPLE} simulated galaxies"


def test_a_name_of_the_hub_is_sought_in_what_was_fetched_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = tmp_path / "models--mwalmsley--zoobot-encoder-resnet18"
    network = hub_folder(cached / "snapshots" / "abc", "resnet18", 3, "model.safetensors")
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("abc")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for name in ("hf_hub:mwalmsley/zoobot-encoder-resnet18", "mwalmsley/zoobot-encoder-resnet18"):
        made = import_checkpoint(name, tmp_path / "zoo.safetensors")
        assert made == ImportReport("resnet18", 3, network.num_features, own_head=False)
    assert load_encoder(tmp_path / "zoo.safetensors", "cpu").training["imported_from"] == name
    with pytest.raises(WeightsError, match="mwalmsley/nothing cannot be had from the model hub: ") as caught:
        import_checkpoint("hf-hub:mwalmsley/nothing", tmp_path / "zoo.safetensors")
    assert "\n" not in str(caught.value)


def _lightning_without(key: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        lightning(path, "resnet18", 3)
        whole = torch.load(path, weights_only=True)
        del whole["state_dict"][key]
        torch.save(whole, path)

    return make


def _of_other_backbone(path: Path) -> None:
    lightning(path, "resnet18", 3)
    whole = torch.load(path, weights_only=True)
    whole["hyper_parameters"]["architecture_name"] = "resnet34"
    torch.save(whole, path)


def _objects(path: Path) -> None:
    torch.save({"state_dict": {}, "hyper_parameters": {"schema": GZD5}}, path)


def _change_file(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        lightning(path, "resnet18", 3)
        whole = torch.load(path, weights_only=True)
        change(whole["state_dict"])
        torch.save(whole, path)

    return make


def _half(path: Path) -> None:
    lightning(path, "resnet18", 3)
    path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda _: None, "no checkpoint {path}"),
        (lambda path: path.touch(), "checkpoint {path} cannot be read: EOFError"),
        (_half, "checkpoint {path} cannot be read: "),
        (_objects, "{path} is damaged, or holds Python objects beside its tensors"),
        (lambda path: torch.save([1], path), "{path} holds a list, not a dictionary of tensors"),
        (lambda path: torch.save({"a": 1}, path), "{path} is no state dict: a is a int, not a tensor"),
        (lambda path: torch.save({"a": torch.ones(1)}, path), "{path} does not say its backbone"),
        (
            lambda path: torch.save({"state_dict": {"net.a": torch.ones(1)}}, path),
            "{path} is no Zoobot checkpoint: none of its tensors is called encoder.*",
        ),
        (_lightning_without("encoder.conv1.weight"), "{path} is no resnet18: it has no tensor conv1.weight"),
        (
            _lightning_without("encoder.layer2.0.conv1.weight"),
            "{path} is no resnet18: it has no tensor layer2.0.conv1.weight",
        ),
        (_of_other_backbone, "{path} is no resnet34: it has no tensor layer1.2.conv1.weight"),
        (
            _change_file(lambda state: state.update({"head.1.0.weight": torch.ones(34, 99)})),
            "{path}: the head takes 99 numbers, its backbone gives 512",
        ),
        (
            _change_file(lambda state: state.update({"head.1.0.bias": torch.ones(33)})),
            "{path}: the bias of head.1.0.weight is missing or of another length",
        ),
        (
            _change_file(lambda state: state["encoder.conv1.weight"].fill_(np.nan)),
            "{path}: conv1.weight is not finite",
        ),
        (
            _change_file(lambda state: state.update({"encoder.conv1.weight": torch.ones(64, 4, 7, 7)})),
            "{path}: conv1.weight of shape (64, 4, 7, 7) sees neither grey pictures nor colour",
        ),
        (lambda path: path.mkdir(), "{path}: no config.json that can be read"),
    ],
)
def test_a_wrong_checkpoint_is_one_line_and_no_file(
    tmp_path: Path, make: Callable[[Path], None], message: str
) -> None:
    path, output = tmp_path / "z.ckpt", tmp_path / "zoo.safetensors"
    make(path)
    with pytest.raises(WeightsError) as caught:
        import_checkpoint(path, output)
    assert str(caught.value).startswith(message.format(path=path))
    assert "\n" not in str(caught.value)
    assert not output.exists()


def test_weights_of_another_shape_are_named(tmp_path: Path) -> None:
    network = timm.create_model("resnet18", num_classes=0)
    state = network.state_dict() | {"layer1.0.conv1.weight": torch.ones(64, 64, 5, 5)}
    torch.save(state, tmp_path / "bare.pth")
    with pytest.raises(
        WeightsError, match=r"layer1.0.conv1.weight is \(64, 64, 5, 5\), not \(64, 64, 3, 3\)"
    ):
        import_checkpoint(tmp_path / "bare.pth", tmp_path / "zoo.safetensors", backbone="resnet18")
    with pytest.raises(WeightsError, match="timm has no backbone called 'galaxynet'"):
        import_checkpoint(tmp_path / "bare.pth", tmp_path / "zoo.safetensors", backbone="galaxynet")
    torch.save(network.state_dict() | {"extra": torch.ones(1)}, tmp_path / "bare.pth")
    with pytest.raises(WeightsError, match="is no resnet18: nothing there is called extra"):
        import_checkpoint(tmp_path / "bare.pth", tmp_path / "zoo.safetensors", backbone="resnet18")


def test_an_unreadable_image_of_the_sample_is_named(tmp_path: Path) -> None:
    lightning(tmp_path / "z.ckpt", "resnet18", 3)
    (tmp_path / "bad.png").touch()
    with pytest.raises(ImageError, match=r"bad\.png: unreadable picture: the file is empty"):
        import_checkpoint(tmp_path / "z.ckpt", tmp_path / "zoo.safetensors", images=list_images([tmp_path]))
    assert not (tmp_path / "zoo.safetensors").exists()


def voted_galaxies(folder: Path, n: int = 90) -> Path:
    """Pictures of blobs, and a table of votes by which the redder ones are smooth."""
    (folder / "images").mkdir(parents=True)
    pictures = galaxies(n, SIZE, seed=4).mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
    rng = np.random.default_rng(4)
    answers = ("smooth", "featured-or-disk", "artifact")
    rows = [",".join(["id", "image", *(f"smooth-or-featured_{answer}" for answer in answers)])]
    for i, picture in enumerate(pictures):
        red = rng.random()
        seen = picture * torch.tensor([red, 0.5, 1 - red])[:, None, None]
        flat = (seen.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
        Image.fromarray(flat).save(folder / "images" / f"{i}.png")
        smooth = rng.binomial(40, 0.1 + 0.8 * red)
        rows.append(f"{i},{i}.png,{smooth},{40 - smooth},0")
    (folder / "votes.csv").write_text("\n".join(rows))
    return folder


def test_a_head_fitted_on_real_votes_tells_them_and_says_how_well_it_tells_others(tmp_path: Path) -> None:
    hub_folder(tmp_path / "hub", "efficientnet_b0", 3, "model.safetensors")
    folder = voted_galaxies(tmp_path / "galaxies")
    table = read_vote_table(folder / "votes.csv", folder / "images")
    made = import_checkpoint(tmp_path / "hub", tmp_path / "o.safetensors", real_votes=RealVotes(table, 1.0))
    assert not made.own_head
    (first, *_) = made.measured
    assert (first.question, first.galaxies) == ("smooth-or-featured", 90)
    assert first.ratio.low < first.ratio.value < first.ratio.high
    assert first.ratio.value == pytest.approx(first.error / first.constant)
    encoder = load_encoder(tmp_path / "o.safetensors", "cpu")
    assert encoder.training["head"]["galaxies"] == {"votes": 90, "simulated": SAMPLE}
    assert len(encoder.scales) == len(GZD5.questions)
    rgb = torch.stack(
        [crop_and_resize(image, 1.0, SIZE) for image in FileImages(table.files)]  # type: ignore[arg-type]
    )
    said = GZD5.fractions(encoder.encode(rgb).concentrations_alpha)[:, 0]
    voted = table.votes[:, 0] / 40
    assert np.corrcoef(said, voted)[0, 1] > 0  # an untrained network sees little of the colour


def test_votes_take_the_place_of_a_checkpoints_own_head(tmp_path: Path) -> None:
    lightning(tmp_path / "z.ckpt", "resnet18", 3)
    folder = voted_galaxies(tmp_path / "galaxies", 60)
    table = read_vote_table(folder / "votes.csv", folder / "images")
    made = import_checkpoint(
        tmp_path / "z.ckpt", tmp_path / "o.safetensors", real_votes=RealVotes(table, 1.0)
    )
    assert not made.own_head
    assert "60 images" in load_encoder(tmp_path / "o.safetensors", "cpu").training["projection"]
