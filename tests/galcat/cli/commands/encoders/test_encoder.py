import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import safetensors.torch
import timm
import torch
from PIL import Image

from encoder.cutouts.framing_flags import FramingFlag
from encoder.model.gz_tree import GZD5
from encoder.model.recipe import FramingRule
from tests.encoder.cutouts.test_framing import make_picture
from tests.encoder.made_votes import write_gz2_votes
from tests.encoder.zoobot.model_hub import model_hub
from tests.galcat.cli.command_line import Galcat
from tests.galcat.small_encoder import write_small_encoder


@pytest.fixture
def galcat(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Galcat:
    """A shell whose database is nowhere: nothing here may ask for one."""
    return Galcat("postgresql://nobody@localhost:1/none", tmp_path / "home", capsys, monkeypatch)


@pytest.fixture
def cutouts(tmp_path: Path) -> Path:
    folder = tmp_path / "cutouts"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for n in range(45):
        Image.fromarray(rng.integers(0, 255, (20, 20, 3), np.uint8)).save(folder / f"g{n:02}.png")
    return folder


def test_embed_writes_a_row_an_image_names_those_it_cannot_read_and_fails(
    galcat: Galcat, cutouts: Path, tmp_path: Path
) -> None:
    output, weights = tmp_path / "v.parquet", write_small_encoder(tmp_path / "w.safetensors")
    words = ("embed", cutouts, "-o", output, "--weights", weights, "--threads", 1, "--device", "cpu")
    said = galcat(*words)
    assert (said.code, said.out) == (0, "")
    assert f"wrote {output}: 45 rows of 256 numbers and 34 fractions by small-0; 0 unreadable" in said.err
    first = output.read_bytes()
    assert galcat(*words).code == 0
    assert output.read_bytes() == first

    (cutouts / "g07.png").write_bytes(b"[not] a picture")
    said = galcat(*words)
    assert said.code == 1
    assert f"unreadable: {cutouts}/g07.png: unreadable picture: in no format that is known" in said.err
    assert "44 rows" in said.err
    assert "1 unreadable image" in said.err
    assert pq.read_table(output)["id"].to_pylist() == [f"g{n:02}" for n in range(45) if n != 7]


def test_every_doubtful_picture_keeps_its_row_and_its_flag_and_is_counted(
    galcat: Galcat, tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    whole = make_picture(424, 40)
    one, other = make_picture(300, 10), make_picture(300, 10, at=(0.64, 0.5))
    pictures = {
        "beside": (make_picture(200, 12, at=(0.56, 0.45)), 0),
        "cut": (whole[:, 162:262, 162:262], FramingFlag.CUT),
        "far": (make_picture(300, 14, at=(0.7, 0.5)), FramingFlag.OFF_CENTRE),
        "good": (whole, 0),
        "noise": (make_picture(120, 10, peak=0), FramingFlag.NO_OBJECT),
        "star": (make_picture(160, 0.8, peak=0.9), FramingFlag.POINT),
        "tiny": (make_picture(20, 2.5), FramingFlag.SMALL),
        "two": (torch.maximum(one, other), FramingFlag.SEVERAL),
    }
    for name, (picture, _) in pictures.items():
        pixels = (picture.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
        Image.fromarray(pixels).save(folder / f"{name}.png")
    finding = write_small_encoder(tmp_path / "w.safetensors", framing=FramingRule())
    output = tmp_path / "v.parquet"
    said = galcat("embed", folder, "-o", output, "--weights", finding)
    assert said.code == 0
    assert said.err.splitlines()[-1] == (
        "frames in doubt: 1 picture cuts the galaxy, 1 shows no object, 1 shows several objects alike, "
        "1 shows a star or another point, 1 has too few pixels, 1 shows the galaxy far from its middle "
        "(column framing_flag)"
    )
    table = pq.read_table(output)
    assert dict(zip(table["id"].to_pylist(), table["framing_flag"].to_pylist(), strict=True)) == {
        name: int(flag) for name, (_, flag) in pictures.items()
    }
    said = galcat("embed", folder, "-o", output, "--weights", finding, "--frame", "whole")
    assert (said.code, "in doubt" in said.err) == (0, False)


def test_a_frame_that_is_not_understood_is_one_line(galcat: Galcat, cutouts: Path, tmp_path: Path) -> None:
    words = ("embed", cutouts, "-o", tmp_path / "v.parquet")
    assert galcat(*words, "--frame", "half").err.startswith("error: frame 'half' is not understood: say an ")
    weights = write_small_encoder(tmp_path / "w.safetensors")
    angle = (*words, "--weights", weights, "--frame", "24arcsec")
    said = galcat(*angle)
    assert (said.code, said.err) == (
        1,
        "error: a frame of 24 arcsec needs the width of a pixel, arcsec: --pixel-scale\n",
    )
    assert not (tmp_path / "v.parquet").exists()
    assert galcat(*angle, "--pixel-scale", "0.262").code == 0


def test_embed_takes_images_or_a_table_and_nothing_at_all_is_wrong_usage(
    galcat: Galcat, cutouts: Path, tmp_path: Path
) -> None:
    table, output = tmp_path / "zoobot.csv", tmp_path / "v.parquet"
    table.write_text(f"id_str,file_loc\n12,{cutouts}/g01.png\n003,cutouts/g00.png\n")
    weights = write_small_encoder(tmp_path / "w.safetensors")
    columns = ("--id-column", "id_str", "--file-column", "file_loc")
    assert galcat("embed", "--table", table, *columns, "-o", output, "--weights", weights, "--bf16").code == 0
    assert pq.read_table(output)["id"].to_pylist() == ["12", "003"]
    for words in ((), (cutouts, "--table", table)):
        said = galcat("embed", *words, "-o", output)
        assert said.code == 2
        assert "give IMAGES, or --table" in said.err
    said = galcat("embed", cutouts, "-o", tmp_path / "nowhere" / "v.parquet", "--weights", weights)
    assert (said.code, said.err.count("\n")) == (1, 1)
    assert f"error: {tmp_path}/nowhere/v.parquet: there is no folder" in said.err


def test_an_imported_encoder_embeds(galcat: Galcat, cutouts: Path, tmp_path: Path) -> None:
    backbone = timm.create_model("test_resnet", num_classes=0, in_chans=1)
    torch.save(backbone.state_dict(), tmp_path / "bare.pth")
    output, vectors = tmp_path / "zoo.safetensors", tmp_path / "v.parquet"
    words = ("encoder", "import", tmp_path / "bare.pth", "-o", output, "--size", 64, "--galaxies", 50)
    said = galcat(*words)
    assert (said.code, said.out) == (1, "")
    (error,) = [line for line in said.err.splitlines() if line.startswith("error:")]
    assert error == f"error: {tmp_path}/bare.pth does not say its backbone: give it by --backbone"
    said = galcat(*words, "--backbone", "test_resnet", "--images", cutouts)
    assert (said.code, said.out) == (0, "")
    numbers = backbone.num_features
    assert f"wrote {output}: test_resnet, grey, {numbers} numbers, a head fitted on 50 simulated" in said.err
    assert galcat("embed", cutouts, "-o", vectors, "--weights", output).code == 0
    assert pq.read_table(vectors).num_rows == 45
    said = galcat(*words, "--views", 3)
    assert said.code == 2
    assert "--views 3 is not one of (1, 8)" in said.err


def test_an_imported_encoder_gets_a_head_from_a_table_of_votes_and_says_what_it_is_worth(
    galcat: Galcat, tmp_path: Path
) -> None:
    torch.save(timm.create_model("test_resnet", num_classes=0).state_dict(), tmp_path / "bare.pth")
    output, folder = tmp_path / "zoo.safetensors", write_gz2_votes(tmp_path / "votes", 80)
    table = folder / "labels.csv"
    words = ("encoder", "import", tmp_path / "bare.pth", "--backbone", "test_resnet", "-o", output)
    words = (*words, "--size", 64, "--galaxies", 50)
    said = galcat(*words, "--head", table, "--head-crop", 1, "--size", 64)
    assert said.code == 0, said.err
    assert "smooth-or-featured" in said.out
    assert "disk-edge-on" in said.out
    assert max(map(len, said.out.splitlines())) <= 80
    assert "a head fitted on 80 galaxies with votes" in said.err
    output.unlink()

    votes = pd.read_csv(table)
    votes.loc[3, "smooth-or-featured_total-votes"] = 1
    votes["smooth-or-featured_total-votes"] = votes["smooth-or-featured_total-votes"].fillna(40)
    votes.to_csv(table, index=False)
    said = galcat(*words, "--head", table)
    assert (said.code, said.out) == (1, "")
    (error,) = [line for line in said.err.splitlines() if line.startswith("error:")]
    assert error == (f"error: label table {table}, row 3, '3': 40 votes on smooth-or-featured by 1 voters")
    assert not output.exists()
    said = galcat(*words, "--head-crop", 1)
    assert said.code == 2
    assert "it needs --head" in said.err


def test_two_commands_give_vectors_and_fractions_of_an_encoder_of_the_hub(
    galcat: Galcat, tmp_path: Path
) -> None:
    hub, folder = tmp_path / "hub", write_gz2_votes(tmp_path / "votes", 80)
    hub.mkdir()
    torch.manual_seed(3)
    backbone = timm.create_model("test_resnet", num_classes=0)
    (hub / "config.json").write_text(json.dumps({"architecture": "test_resnet", "num_classes": 0}))
    safetensors.torch.save_file(backbone.state_dict(), hub / "model.safetensors")
    weights, vectors = tmp_path / "zoo.safetensors", tmp_path / "v.parquet"
    with model_hub("somebody/zoo", hub) as address:
        environment = {**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "cache")}
        head = ("--head", folder / "labels.csv", "--head-crop", 1, "--size", 64)
        words = ("encoder", "import", "hf-hub:somebody/zoo", "-o", weights, "--galaxies", 50, *head)
        # A process of its own: the library reads the hub's address when it is imported.
        command = [sys.executable, "-m", "galcat", *map(str, words)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    said = galcat("embed", folder / "images", "-o", vectors, "--weights", weights, "--frame", "whole")
    assert said.code == 0, said.err
    made = pq.read_table(vectors).to_pandas().set_index("id")
    votes = pd.read_csv(folder / "labels.csv", dtype={"id": str}).set_index("id").loc[made.index]
    smooth = votes[GZD5.questions[0].labels[0]] / 40
    foretold = made[f"{GZD5.columns[0]}_fraction"]
    assert abs(foretold.mean() - smooth.mean()) < 0.05
    assert abs(foretold - smooth).mean() < 0.8 * abs(smooth - smooth.mean()).mean()
