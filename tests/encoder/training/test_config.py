import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from encoder.errors import TrainingError
from encoder.model.encoder import load_encoder
from encoder.training.config_file import read_config
from encoder.training.pictures.augment import Share
from tests.encoder.releases import CONFIGURATION

ENCODER = Path(__file__).resolve().parents[3] / "encoder"


@pytest.mark.parametrize(
    ("configuration", "weights"), [("real_longer", None), ("real", "galcat-lite2-2.safetensors")]
)
def test_the_shipped_configurations_made_the_shipped_encoders(
    configuration: str, weights: str | None
) -> None:
    config = read_config(ENCODER / "configs" / f"{configuration}.toml")
    encoder = load_encoder(None if weights is None else ENCODER / "weights" / weights, "cpu")
    assert tomllib.loads(encoder.training["configuration"]) == tomllib.loads(config.text)
    assert (encoder.name, encoder.backbone, encoder.recipe, encoder.view_set, encoder.equal_length) == (
        config.release.name,
        config.release.backbone,
        config.recipe,
        config.release.view_set,
        config.release.equal_length,
    )


def test_every_entry_is_read(tmp_path: Path) -> None:
    config = read_config(_write(tmp_path, CONFIGURATION))
    assert config.release.folder == "FOLDER"
    assert (config.recipe.size, config.recipe.crop) == (40, 0.5)
    assert (config.loop.epochs, config.loop.learning_rate, config.loop.seed) == (2, 0.001, 3)
    assert config.release.also_learnt == ("efigi",)
    assert [s.held_out for s in config.sources] == [0.3, 0.3]
    assert [s.kind for s in config.sources] == ["simulated", "efigi"]
    assert config.sources[0].share == Share(0.5, 1.0)
    assert config.sources[0].galaxies == 30


def test_the_pictures_grow_evenly_over_the_epochs(tmp_path: Path) -> None:
    loop = replace(read_config(_write(tmp_path, CONFIGURATION)).loop, epochs=7, start_size=96, size=160)
    assert [loop.size_in(epoch) for epoch in range(7)] == [96, 96, 96, 128, 128, 160, 160]
    assert replace(loop, start_size=160).size_in(0) == 160


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[release]", "[release", "cannot be read"),
        ("held_out = 0.3", "held_out = 1.5", "source simulated: held_out 1.5 is not in 0..1"),
        ("held_out = 0.3", "held_out = 0.3\nrepeat = 0", "source simulated: repeat 0 is not positive"),
        ('also_learnt = ["efigi"]', 'also_learnt = "efigi"', "also_learnt 'efigi' is not a list of names"),
        ("[release]", "speed = 2\n[release]", "unknown entry 'speed'"),
        (
            'start = "random"',
            'start = "tabula rasa"',
            "start 'tabula rasa' is neither imagenet, random, timm:NAME nor a .safetensors file",
        ),
        ("crop = 0.5", "crop = 0.5\nchannels = 2", "image channels 2 are neither 1 (grey) nor 3 (colour)"),
        ("view_set = 1", "view_set = 4", "view_set 4 is not one of (1, 8)"),
        ("view_set = 1", 'view_set = "one"', "release: view_set = 'one' is no int"),
        ("view_set = 1", "", "release has no entry 'view_set'"),
        ("epochs = 2", "epochs = 0", "training: epochs is not positive"),
        ("epochs = 2", "epochs = true", "training: epochs = True is no int"),
        ("epochs = 2", "epochs = 2\nepoch = 2", "training has an unknown entry 'epoch'"),
        ("ema_decay = 0.9", "ema_decay = 1.0", "ema_decay 1.0 is not in 0..1"),
        ("start_size = 32", "start_size = 40", "start_size 40 does not grow to 32 in steps of 32"),
        ("epochs = 2", "epochs = 2\npatience = -1", "training: patience -1 is negative"),
        ("view_set = 1", "view_set = 1\nequal_length = 1", "release: equal_length = 1 is no bool"),
        (
            "seed = 4",
            "seed = 900001",
            "source simulated: seed 900001 is kept for judging, as all from 800001 on",
        ),
        ("view_set = 1", 'view_set = 1\ntree = "gz9"', "no Galaxy Zoo tree is called 'gz9'; known: "),
        (
            "batch_size = 8",
            "batch_size = 2\nagreement = 1.0",
            "training: batch_size 2 leaves agreement no other galaxy to compare with",
        ),
        ("[release]", "[head]\n[head.weights]\nrings = 1.0\n[release]", "head: 'rings' is no source here"),
        (
            "[release]",
            "[head]\n[head.weights]\nefigi = 0.0\n[release]",
            "the weight 0 of efigi is not positive",
        ),
        (
            "[release]",
            "[head]\n[head.weights]\nsimulated = 1.0\n[release]",
            "simulated needs a number and a weight",
        ),
        (
            "[release]",
            "[head]\nalpha_floor = 2.0\n[head.weights]\nefigi = 1.0\n[release]",
            "head: alpha_floor 2 is not in 0..1",
        ),
        (
            "[release]",
            '[head]\njudged = "x"\n[head.weights]\nefigi = 1.0\n[release]',
            "head: 'x' has no weight",
        ),
        (
            'also_learnt = ["efigi"]',
            'also_learnt = ["efigi"]\nrefit_galaxies = 5\n[head]\n[head.weights]\nefigi = 1.0',
            "give [head] or refit_galaxies, one of them",
        ),
        ("view_set = 1", "view_set = 1\nrefit_galaxies = -5", "release: refit_galaxies -5 is negative"),
        (
            "view_set = 1",
            'view_set = 1\ntree = "gz2"\nrefit_galaxies = 5',
            "simulated galaxies have no votes of gz2: refit_galaxies is for gzd5",
        ),
        ("epochs = 2", "epochs = 2\nlikeness = -1.0", "training: likeness -1.0 is negative or not finite"),
        (
            "batch_size = 8",
            "batch_size = 9\nagreement = 1.0",
            "training: batch_size 9 is odd, and two pictures of each galaxy are wanted",
        ),
        ('kind = "efigi"', 'kind = "unlabelled"', "an unlabelled source teaches nothing without agreement"),
        (
            "epochs = 2",
            'epochs = 2\naugment = "all"',
            "training: augment 'all' is not full or bridged or flips",
        ),
        ("size = 40", "size = 0", "image size 0 is not positive"),
        (
            'kind = "efigi"',
            'kind = "hubble"',
            "source kind 'hubble' is not one of simulated, efigi, votes, unlabelled",
        ),
        (
            "share = [0.5, 1.0]",
            "share = [1.0, 0.5]",
            "share [1.0, 0.5] is not two rising numbers in 0.02..50",
        ),
        ("share = [0.5, 1.0]", "", "share None is not two rising numbers in 0.02..50"),
        ("share = [0.5, 1.0]", "share = [0.5, inf]", "share [0.5, inf] is not two rising numbers"),
        ("seed = 3", "seed = 4000000000", "seed 4000000000 is not in 0..2^28"),
        ("workers = 0", "workers = -1", "training: workers -1 is negative or not finite"),
        ("weight_decay = 0.02", "weight_decay = nan", "training: weight_decay nan is negative or not finite"),
        ("drop_path = 0.1", "drop_path = 2", "training: drop_path 2 is not in 0..1"),
        ("learning_rate = 0.001", "learning_rate = inf", "training: learning_rate is not positive"),
        ('name = "tiny"', 'name = "a/b"', "release name 'a/b' is not the name of a file"),
        ('also_learnt = ["efigi"]', 'also_learnt = ["gzd5"]', "a tree is learnt twice: gzd5, gzd5"),
        ("galaxies = 30", "galaxies = 0", "source simulated: galaxies is not positive"),
        ("galaxies = 30", 'galaxies = 30\nwithout = "ring"', "without 'ring' is not a list of names"),
        ('folder = "EFIGI"', "", "source efigi: no folder"),
    ],
)
def test_a_wrong_configuration_is_one_line_that_names_the_file(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    assert old in CONFIGURATION
    file = _write(tmp_path, CONFIGURATION.replace(old, new, 1))
    with pytest.raises(TrainingError, match=re.escape(told)) as caught:
        read_config(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_likeness_without_attributes_is_refused(tmp_path: Path) -> None:
    text = CONFIGURATION.replace("epochs = 2", "epochs = 2\nlikeness = 1.0")
    read_config(_write(tmp_path, text))
    without = text[: text.rindex("[[source]]")]
    with pytest.raises(TrainingError, match="likeness compares attributes, and no source has some"):
        read_config(_write(tmp_path, without))


def test_a_missing_configuration_is_one_line_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"gone\.toml cannot be read"):
        read_config(tmp_path / "gone.toml")


def test_with_a_cooldown_the_last_epochs_alone_have_the_last_size(tmp_path: Path) -> None:
    loop = read_config(_write(tmp_path, CONFIGURATION)).loop
    loop = replace(loop, epochs=7, start_size=96, size=128, cooldown_epochs=2.0)
    assert [loop.size_in(epoch) for epoch in range(7)] == [96] * 5 + [128] * 2


def _write(folder: Path, text: str) -> Path:
    file = folder / "run.toml"
    file.write_text(text)
    return file
