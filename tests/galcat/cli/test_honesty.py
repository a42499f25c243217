"""Where people look, galcat says what vote fractions are worth on real galaxies, and what is unlike these."""

from pathlib import Path

from encoder.model.measured import Measured
from tests.galcat.bricks import write_brick
from tests.galcat.cli.command_line import Galcat
from tests.galcat.small_encoder import write_small_encoder

FIGURES = Measured("40 real galaxies", {"bar": {"error_over_constant": 0.5}})


def test_an_ingestion_ends_with_what_its_fractions_are_worth(
    galcat: Galcat, tmp_path: Path, weights: Path
) -> None:
    write_brick(tmp_path / "bricks", "0100p000")
    said = galcat("ingest", tmp_path / "bricks", "--survey", "legacy_dr10", "--weights", weights)
    lines = said.err.splitlines()
    assert lines[-2] == "vote fractions of release small-0 were not measured on real galaxies"
    assert "domain_distance" not in said.err
    assert lines[-1].startswith("next: ")


def test_galaxies_unlike_the_training_galaxies_are_counted_and_noted(galcat: Galcat, tmp_path: Path) -> None:
    measured = write_small_encoder(tmp_path / "measured.safetensors", measured=FIGURES)
    write_brick(tmp_path / "bricks", "0100p000")
    said = galcat("ingest", tmp_path / "bricks", "--survey", "legacy_dr10", "--weights", measured)
    assert said.code == 0
    assert said.err.splitlines()[-3:-1] == [
        "3 of 3 galaxies lie further from the real galaxies that the encoder was trained on than 99 % of "
        "those: leave them out by domain_distance <= 1",
        "vote fractions of release small-0 were measured on 40 real galaxies: mean error over that of a "
        "constant bar 0.50; above 1 a constant is nearer to the votes",
    ]
    checked = galcat("check")
    assert checked.code == 0
    (at,) = [i for i, line in enumerate(checked.out.splitlines()) if line.startswith("note domain: ")]
    note, furthest, remedy = checked.out.splitlines()[at : at + 3]
    assert "of 3 galaxies of legacy_dr10 100.0% lie further" in note
    assert furthest.strip() == "the furthest: tile 0100p000, 3 of 3 galaxies; 1 of 1 tiles shifted"
    assert "galcat calibrate legacy_dr10 VOTES" in remedy
