"""Training cutouts and their votes: reproducible, at the stated depth, with the stated flux, on the tree."""

from dataclasses import replace

import numpy as np
import pytest

from encoder.model.gz_tree import GZD5
from encoder.simulation.cutouts import cutout, draw_cutouts
from encoder.simulation.galaxies import total_flux
from encoder.simulation.sky import add_noise, pixel_noise, psf_image
from encoder.simulation.truth import (
    KINDS,
    Galaxy,
    SurveyParameters,
    draw_galaxy,
    draw_galaxy_of_kind,
    survey_without,
)
from encoder.simulation.votes import draw_votes, vote_chances

SURVEY = SurveyParameters()
EMPTY_SKY = replace(SURVEY, background_per_arcmin2=0.0, stars_per_arcmin2=0.0, neighbours_per_arcmin2=0.0)
NO_NOISE = replace(EMPTY_SKY, depth_mag=(60.0, 60.0, 60.0), electrons_per_nanomaggy=(1e30, 1e30, 1e30))


@pytest.fixture(scope="module")
def drawn_votes() -> np.ndarray:
    rng = np.random.default_rng(5)
    galaxies = [draw_galaxy_of_kind(rng, SURVEY, kind) for kind in KINDS for _ in range(60)]
    return np.array([draw_votes(galaxy, rng, SURVEY) for galaxy in galaxies])


def test_the_same_seed_gives_the_same_cutouts_and_another_seed_others() -> None:
    one, again, other = draw_cutouts(3, 7, 48), draw_cutouts(3, 7, 48), draw_cutouts(3, 8, 48)
    np.testing.assert_array_equal(one.flux, again.flux)
    np.testing.assert_array_equal(one.votes, again.votes)
    assert all(np.array_equal(one.truth[key], again.truth[key]) for key in one.truth)
    assert not np.array_equal(one.flux, other.flux)


def test_cutouts_have_the_promised_shapes_and_finite_pixels() -> None:
    drawn = draw_cutouts(4, 1, 40)
    assert (drawn.flux.shape, drawn.flux.dtype) == ((4, 3, 40, 40), np.float32)
    assert drawn.votes.shape == (4, 34)
    assert {len(column) for column in drawn.truth.values()} == {4}
    assert np.isfinite(drawn.flux).all()


def test_noise_makes_a_source_at_the_stated_depth_a_five_sigma_detection() -> None:
    image = np.zeros((3, 600, 600), np.float32)
    add_noise(image, np.random.default_rng(3), SURVEY)
    psf = psf_image(SURVEY).astype(float)
    # Matched-filter flux at many places, by its definition: sum(psf * data) / sum(psf^2).
    spots = [(i, j) for i in range(0, 550, 50) for j in range(0, 550, 50)]
    for band in range(3):
        fluxes = [(psf * image[band, i : i + 49, j : j + 49]).sum() / (psf**2).sum() for i, j in spots]
        depth = 22.5 - 2.5 * np.log10(5 * np.std(fluxes))
        assert depth == pytest.approx(SURVEY.depth_mag[band], abs=0.2)
        assert image[band].std() == pytest.approx(pixel_noise(SURVEY)[band], rel=0.01)


def test_a_bright_pixel_has_the_photon_noise_of_its_electrons() -> None:
    image = np.full((3, 400, 400), 5.0, np.float32)
    add_noise(image, np.random.default_rng(3), SURVEY)
    electrons = 5.0 * np.array(SURVEY.electrons_per_nanomaggy)
    expected = np.hypot(5.0 / np.sqrt(electrons), pixel_noise(SURVEY))
    np.testing.assert_allclose(image.std((1, 2)), expected, rtol=0.02)


@pytest.mark.parametrize("size", [64, 160, 230])
def test_averaging_to_any_output_size_keeps_the_flux(size: int) -> None:
    galaxy = Galaxy("disk", 4, 0.05, 16.0, 3.0, 30.0, 0.7, sersic=2.0, bulge_fraction=0.2)
    image = cutout(galaxy, np.random.default_rng(1), NO_NOISE, size)
    native_pixels = (424 * 0.04 * 3.0 / SURVEY.pixel_scale_arcsec / size) ** 2
    np.testing.assert_allclose(image.sum((1, 2)) * native_pixels, total_flux(galaxy), rtol=0.01)


def test_the_galaxy_sits_in_the_middle_and_along_its_position_angle() -> None:
    galaxy = Galaxy("elliptical", 4, 0.05, 15.0, 4.0, 30.0, 0.4, sersic=2.5, bulge_fraction=1.0)
    image = cutout(galaxy, np.random.default_rng(1), NO_NOISE, 161)[1].astype(float)
    north, west = np.mgrid[-80:81, -80:81]
    weight = image / image.sum()
    x, y = (weight * west).sum(), (weight * north).sum()
    assert (x, y) == pytest.approx((0, 0), abs=0.15)
    xx, yy, xy = (weight * west**2).sum(), (weight * north**2).sum(), (weight * west * north).sum()
    # North to east; east is -x.
    assert np.degrees(0.5 * np.arctan2(-2 * xy, yy - xx)) == pytest.approx(30.0, abs=1.0)


def test_a_galaxy_drawn_on_coarser_pixels_is_the_same_galaxy() -> None:
    galaxy = Galaxy("disk", 4, 0.05, 15.0, 6.5, 30.0, 0.7, sersic=2.0, bulge_fraction=0.2)
    coarse = cutout(galaxy, np.random.default_rng(1), NO_NOISE, 160)  # 2 x 2 binned: 2.6 natives a pixel
    fine = cutout(galaxy, np.random.default_rng(1), NO_NOISE, 320)
    binned = fine.reshape(3, 160, 2, 160, 2).mean((2, 4))
    assert np.abs(coarse - binned).sum() < 0.03 * binned.sum()


def test_every_total_is_the_votes_that_lead_to_the_question(drawn_votes: np.ndarray) -> None:
    count = dict(zip(GZD5.labels, drawn_votes.T, strict=True))
    total = {q.name: drawn_votes[:, q.slice].sum(axis=1) for q in GZD5.questions}
    featured, smooth = count["smooth-or-featured_featured-or-disk"], count["smooth-or-featured_smooth"]
    expected = {
        "disk-edge-on": featured,
        "has-spiral-arms": count["disk-edge-on_no"],
        "bar": count["disk-edge-on_no"],
        "bulge-size": count["disk-edge-on_no"],
        "how-rounded": smooth,
        "edge-on-bulge": count["disk-edge-on_yes"],
        "spiral-winding": count["has-spiral-arms_yes"],
        "spiral-arm-count": count["has-spiral-arms_yes"],
        "merging": smooth + featured,
    }
    for question, votes in expected.items():
        np.testing.assert_array_equal(total[question], votes, err_msg=question)
    assert total["smooth-or-featured"].min() >= 38
    assert total["smooth-or-featured"].max() <= 43


def test_inclined_disks_are_called_edge_on_as_often_as_in_galaxy_zoo_2() -> None:
    said = {}
    for axis_ratio in (0.2, 0.35, 0.45, 0.55, 0.7):
        galaxy = Galaxy("disk", 4, 0.05, 16.0, 3.0, 30.0, axis_ratio, sersic=2.0, bulge_fraction=0.2)
        said[axis_ratio] = vote_chances(galaxy, SURVEY)["disk-edge-on"][0]
    # Galaxy Zoo 2 by the axis ratio in the picture: seeing makes these 0.25, 0.44, 0.51, 0.59, 0.73 there.
    voted = {0.2: 0.92, 0.35: 0.56, 0.45: 0.35, 0.55: 0.18, 0.7: 0.07}
    for axis_ratio, share in voted.items():
        assert said[axis_ratio] == pytest.approx(share, abs=0.06), axis_ratio


def test_most_volunteers_name_a_large_clear_galaxy_rightly() -> None:
    clear = Galaxy(
        "spiral", 1, 0.03, 14.6, 9.0, 0.0, 0.9, bulge_fraction=0.15, arms=2, pitch_deg=20, arm_strength=0.5
    )
    clear = replace(clear, bar_strength=0.9, bar_length=1.2)
    rng = np.random.default_rng(2)
    votes = np.sum([draw_votes(clear, rng, SURVEY) for _ in range(100)], axis=0)
    winners = {q.name: q.answers[int(np.argmax(votes[q.slice]))] for q in GZD5.questions}
    assert winners["smooth-or-featured"] == "featured-or-disk"
    assert winners["disk-edge-on"] == "no"
    assert winners["has-spiral-arms"] == "yes"
    assert winners["bar"] == "strong"
    assert winners["spiral-winding"] == "medium"
    assert winners["spiral-arm-count"] == "2"
    assert winners["merging"] == "none"


def test_a_spiral_too_small_to_resolve_is_voted_smooth() -> None:
    blurred = Galaxy(
        "spiral", 1, 0.15, 18.8, 1.5, 0.0, 0.9, bulge_fraction=0.3, arms=2, pitch_deg=20, arm_strength=0.3
    )
    rng = np.random.default_rng(2)
    votes = np.sum([draw_votes(blurred, rng, SURVEY) for _ in range(100)], axis=0)
    assert votes[0] > 2 * votes[1]


@pytest.mark.parametrize(
    ("arm_strength", "bulge_fraction", "low", "high"), [(0.55, 0.05, 0.5, 1.0), (0.15, 0.7, 0.0, 0.3)]
)
def test_winding_is_voted_rightly_where_arms_show_and_mostly_guessed_where_they_do_not(
    arm_strength: float, bulge_fraction: float, low: float, high: float
) -> None:
    winding = next(question.slice for question in GZD5.questions if question.name == "spiral-winding")
    tight, loose = (GZD5.index(f"spiral-winding_{answer}") for answer in ("tight", "loose"))
    spiral = Galaxy(
        "spiral", 1, 0.03, 15.0, 10.0, 40.0, 0.9, sersic=2.0, bulge_fraction=bulge_fraction, arms=2,
        arm_strength=arm_strength, youth=0.8,
    )  # fmt: skip
    rng = np.random.default_rng(8)
    fractions = []
    for pitch in (11.0, 35.0):
        votes = np.sum(
            [draw_votes(replace(spiral, pitch_deg=pitch), rng, SURVEY) for _ in range(200)], axis=0
        )
        fractions.append(votes / votes[winding].sum())
    more_tight, more_loose = (
        fractions[0][tight] - fractions[1][tight],
        fractions[1][loose] - fractions[0][loose],
    )
    assert low < more_tight < high
    assert low < more_loose < high


def test_a_survey_without_some_kinds_has_none_of_them_and_the_others_as_before() -> None:
    rng = np.random.default_rng(4)
    without = survey_without(SURVEY, ["irregular", "merger", "ring"])
    drawn = [draw_galaxy(rng, without) for _ in range(3000)]
    assert {galaxy.kind for galaxy in drawn} == set(KINDS) - {"irregular"}
    assert {galaxy.disturbance for galaxy in drawn} == {"none", "minor", "major"}
    assert {galaxy.ring for galaxy in drawn} == {"none"}
    share = np.mean([galaxy.kind == "spiral" for galaxy in drawn])
    assert share == pytest.approx(SURVEY.kind_share[KINDS.index("spiral")] / 0.94, abs=0.03)


def test_what_no_survey_has_cannot_be_left_out() -> None:
    with pytest.raises(ValueError, match="'quasar' is not one of elliptical, disk, spiral"):
        survey_without(SURVEY, ["quasar"])
    with pytest.raises(ValueError, match="no kind of object is left"):
        survey_without(SURVEY, KINDS)
