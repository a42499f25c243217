"""One command measures an encoder beside its baselines, on what data there are, and goes on where it was."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from encoder.evaluation.sets.real import load_efigi
from encoder.training.campaigns import Campaigns
from encoder.training.config_file import read_config
from encoder.training.sources import load_source
from tests.encoder.evaluation.made_efigi import write_efigi
from tests.encoder.made_votes import write_gz2_votes
from tests.galcat.cli.command_line import Galcat
from tests.galcat.small_encoder import write_small_encoder

ENCODERS = ["small-0", "small-1", "ImageNet", "scratch"]
TABLES = ["components", "fractions", "rings", "smooth", "summary", "tags"]
FIGURES = ["calibration", "components", "fractions", "map", "rings", "tags"]


@pytest.fixture
def galcat(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Galcat:
    return Galcat("postgresql://nobody@localhost:1/none", tmp_path / "home", capsys, monkeypatch)


def test_evaluate_measures_a_release_and_its_baselines_once(galcat: Galcat, tmp_path: Path) -> None:
    (tmp_path / "data" / "efigi").mkdir(parents=True)
    write_efigi(tmp_path / "data" / "efigi", 260)
    first, second = (
        write_small_encoder(tmp_path / f"{seed}.safetensors", seed, "test_resnet") for seed in (0, 1)
    )
    output = tmp_path / "report"
    words = ("evaluate", "--weights", first, "--against", second, "--data", tmp_path / "data", "-o", output)
    said = galcat(*words, "--simulated", 12, "--device", "cpu")
    assert said.code == 0, said.err
    skipped = [line for line in said.err.splitlines() if line.startswith("skipped:")]
    assert skipped == [
        f"skipped: DECaLS rings: no folder {tmp_path}/data/gz_decals_rings",
        f"skipped: fractions of DECaLS galaxies: no folder {tmp_path}/data/gz_decals_dr5_fixture",
        f"skipped: votes of real galaxies, calibration, learning curves: no folder {tmp_path}/data/gz2_votes",
        f"skipped: classes of Galaxy Zoo 1: no folder {tmp_path}/data/gz1_classes",
        f"skipped: edge-on disks of DECaLS: no folder {tmp_path}/data/decals_fits",
    ]
    for name in TABLES:
        assert set(pd.read_csv(output / f"{name}.csv")["encoder"]) <= set(ENCODERS), name
    assert all((output / f"{name}.png").read_bytes()[:4] == b"\x89PNG" for name in FIGURES)
    summary = pd.read_csv(output / "summary.csv")
    assert summary["encoder"].tolist() == ENCODERS
    assert summary["P@10"].between(0, 1).all()
    assert all(name in said.out for name in ENCODERS)
    report = (output / "report.md").read_text()
    assert all(f"]({name}.png)" in report for name in FIGURES)
    assert all(line.removeprefix("skipped: ") in report for line in skipped)

    kept = {file: file.stat().st_mtime_ns for file in (output / "cache").glob("*.npz")}
    tables = {name: (output / f"{name}.csv").read_bytes() for name in TABLES}
    assert galcat(*words, "--simulated", 12, "--device", "cpu").code == 0
    assert {file: file.stat().st_mtime_ns for file in (output / "cache").glob("*.npz")} == kept
    assert {name: (output / f"{name}.csv").read_bytes() for name in TABLES} == tables


def test_evaluate_judges_votes_of_real_galaxies_by_heads_that_were_not_fitted_on_them(
    galcat: Galcat, tmp_path: Path
) -> None:
    data, output = tmp_path / "data", tmp_path / "report"
    write_gz2_votes(data / "gz2_votes", 100)
    classes = write_gz2_votes(data / "gz1_classes", 40)
    table = pd.read_csv(classes / "labels.csv", dtype={"id": str})[["id", "image"]]
    table["gz1_class"] = ["elliptical", "edge-on", "spiral-clockwise", "spiral-anticlockwise"] * 10
    table["id"] = "gz1-" + table["id"]
    table.to_csv(classes / "labels.csv", index=False)
    own = write_small_encoder(tmp_path / "0.safetensors", 0, "test_resnet")
    words = ("evaluate", "--weights", own, "--data", data, "-o", output, "--simulated", 0, "--views", 1)
    said = galcat(*words, "--device", "cpu")
    assert said.code == 0, said.err
    votes = pd.read_csv(output / "real_votes.csv")
    assert list(zip(votes["encoder"], votes["head"], strict=True))[::2] == [
        ("small-0", "new, without the fold"),
        ("small-0", "its own"),
        ("ImageNet", "new, without the fold"),
    ]
    assert set(votes["question"]) == {"smooth-or-featured", "disk-edge-on"}
    new = votes[votes["head"] == "new, without the fold"]
    assert (new["ratio"] < 1).all()
    assert (new["ratio"][new["encoder"] == "ImageNet"] < 0.75).all()  # sizes and shapes are easily seen
    assert (new["ratio_low"] < new["ratio"]).all()
    assert new["coverage"].between(0.7, 1).all()
    np.testing.assert_allclose(votes["ratio"], votes["error"] / votes["constant"], rtol=1e-4)
    curve = pd.read_csv(output / "learning_curve.csv")
    assert curve["galaxies"].min() == 50
    areas = pd.read_csv(output / "classes.csv")
    assert set(areas["figure"]) == {"featured against elliptical", "edge-on among disks"}
    assert all((output / f"real_{name}.png").is_file() for name in ("ratios", "reliability"))
    whole = json.loads((output / "evaluation.json").read_text())
    assert [one["name"] for one in whole["encoders"]] == ["small-0", "ImageNet", "scratch"]
    assert whole["tables"]["real_votes"][0]["galaxies"] == votes["galaxies"][0]
    measured = json.loads((output / "measured.json").read_text())
    assert measured["questions"]["disk_edge_on"]["error_over_constant"] == round(votes["ratio"][1], 3)
    assert "small-0 does not say whether its network was trained on the galaxies with votes" in said.err
    assert "## Votes of real galaxies" in (output / "report.md").read_text()


def test_the_galaxies_tested_on_are_those_that_the_shipped_recipe_holds_out(
    shared_data: Path, tmp_path: Path
) -> None:
    shipped = Path(__file__).parents[5] / "encoder" / "configs" / "default.toml"
    text = shipped.read_text().replace("../shared/data", str(shared_data))
    (tmp_path / "default.toml").write_text(text)
    config = read_config(tmp_path / "default.toml")
    (source,) = [source for source in config.sources if source.kind == "efigi"]
    held_out = load_source(source, Campaigns.load(("gzd5", "efigi")), tmp_path).held_out
    np.testing.assert_array_equal(load_efigi(shared_data).tested, held_out)


def test_tasks_measures_what_there_are_data_for_and_names_the_rest(galcat: Galcat, tmp_path: Path) -> None:
    folder, ringed = tmp_path / "data" / "gz_decals_rings", np.arange(44) % 2
    (folder / "images").mkdir(parents=True)
    rng, names = np.random.default_rng(0), [f"J{i}" for i in range(44)]
    for name, ring in zip(names, ringed, strict=True):
        pixels = rng.integers(60 + 90 * ring, 90 + 90 * ring, (40, 40, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{name}.png")
    table = pd.DataFrame({"iauname": names, "ring": ringed, "image": [f"{name}.png" for name in names]})
    table.to_csv(folder / "labels.csv", index=False)
    own = write_small_encoder(tmp_path / "0.safetensors", 0, "test_resnet")
    output = tmp_path / "report"
    words = ("--weights", own, "--data", tmp_path / "data", "-o", output, "--device", "cpu")
    said = galcat("evaluate", "tasks", *words)
    assert said.code == 0, said.err
    assert [line for line in said.err.splitlines() if line.startswith("skipped:")] == [
        "skipped: anomalies: no folder efigi",
        f"skipped: EFIGI rings from few labels: no folder {tmp_path}/data/efigi",
        "skipped: rings from few labels with tuned networks: not asked for (--deep)",
    ]
    few = pd.read_csv(output / "few_labels.csv")
    assert sorted({*few["encoder"]}) == ["ImageNet", "scratch", "small-0"]
    assert few["labels"].unique().tolist() == [5, 10]
    assert (few["repeats"] == 20).all()
    assert few["accuracy"].between(0.9, 1).all()
    assert "Rings from few labels" in (output / "tasks.md").read_text()


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (["--data", "nowhere"], 1, "error: no data folder nowhere"),
        (["--data", ".", "--simulated", 0], 1, "error: nothing to measure in .: "),
        (["--data", ".", "--views", 3], 2, "--views 3 is not one of (1, 8)"),
        (["--data", ".", "--weights", "none.safetensors"], 1, "error: no weights file none.safetensors"),
        ([], 2, "--data: it is needed"),
        (["--data", ".", "tasks", "--data", "."], 2, "--data: it must come after 'evaluate tasks'"),
        (["tasks", "--data", "nowhere"], 1, "error: no data folder nowhere"),
        (["tasks", "--data", "."], 1, "error: nothing to measure in .: "),
        (["tasks", "--data", ".", "--undisturbed", "none.pt"], 1, "error: no weights file none.pt"),
    ],
)
def test_a_mistake_is_one_line(
    galcat: Galcat,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[object],
    code: int,
    error: str,
) -> None:
    monkeypatch.chdir(tmp_path)

    said = galcat("evaluate", *words, "-o", tmp_path / "report")
    assert said.code == code
    assert error in said.err
    assert "Traceback" not in said.err
