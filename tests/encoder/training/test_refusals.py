"""Trainings that cannot be: each is one line, and nothing is released."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from encoder.errors import LabelTableError, TrainingError
from encoder.training.train import train


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "batch_size = 8",
            "batch_size = 500",
            "fewer training galaxies than one batch of 500 for each of 1 processes",
        ),
        ('start = "random"', 'start = "imagenet"', "the ImageNet start is of tf_efficientnet_lite0, "),
    ],
)
def test_a_run_that_cannot_start_is_one_line(configuration: Path, old: str, new: str, told: str) -> None:
    configuration.write_text(configuration.read_text().replace(old, new))
    with pytest.raises(TrainingError, match=told):
        train(configuration)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_bad_training_image_ends_the_run_with_one_line(
    configuration: Path, tmp_path: Path, efigi: Path, workers: int
) -> None:
    own = _own_copy(efigi, tmp_path / "own")
    (own / "images" / "PGC7.jpg").unlink()  # a link to the picture that all tests share
    (own / "images" / "PGC7.jpg").write_bytes(b"no picture")
    text = configuration.read_text().replace("workers = 0", f"workers = {workers}")
    configuration.write_text(re.sub(r'folder = ".*efigi.*"', f'folder = "{own}"', text))
    with pytest.raises(TrainingError) as caught:
        train(configuration)
    image = own / "images" / "PGC7.jpg"
    assert str(caught.value) == f"training image {image}: unreadable picture: in no format that is known"
    image.unlink()
    with pytest.raises(LabelTableError, match=r"attributes\.csv, row 7: no image .*PGC7\.jpg"):
        train(configuration)


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("T", 99, "row 3: T = 99 is not in -6..11"),
        ("Bar_Length", -7, "row 3: Bar_Length = -7 is not in -1..1"),
        ("PGCname", "PGC1", "row 3: 'PGC1' occurs twice"),
    ],
)
def test_a_wrong_efigi_table_is_one_line(
    configuration: Path, tmp_path: Path, efigi: Path, column: str, value: object, told: str
) -> None:
    own = _own_copy(efigi, tmp_path / "own")
    table = pd.read_csv(own / "attributes.csv")
    table.loc[3, column] = value
    table.to_csv(own / "attributes.csv", index=False)
    configuration.write_text(re.sub(r'folder = ".*efigi.*"', f'folder = "{own}"', configuration.read_text()))
    with pytest.raises(LabelTableError, match=re.escape(told)):
        train(configuration)


def test_training_that_diverges_says_so_and_writes_no_release(configuration: Path) -> None:
    text = configuration.read_text()
    configuration.write_text(text.replace("learning_rate = 0.001", "learning_rate = 1.0e12"))
    with pytest.raises(TrainingError, match=r"the loss is \S+ in step \d+ of epoch 1: try a lower"):
        train(configuration)
    assert not (configuration.parent / "run" / "tiny.safetensors").exists()


def _own_copy(efigi: Path, folder: Path) -> Path:
    """A folder like that of EFIGI to be spoilt: a table of its own, and links to the pictures."""
    (folder / "images").mkdir(parents=True)
    for picture in (efigi / "images").iterdir():
        (folder / "images" / picture.name).symlink_to(picture)
    shutil.copy(efigi / "attributes.csv", folder)
    return folder
