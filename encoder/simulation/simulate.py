"""The simulated survey: galaxies whose true class is known, as bricks on disk or as training cutouts.

The only simulator module that other code imports. Parameter ranges: `SurveyParameters`.
"""

import json
import math
import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

from encoder.errors import EncoderError
from encoder.model.atomic_file import make_folder
from encoder.model.gz_tree import GZD5
from encoder.model.recipe import FIELD_PX
from encoder.simulation.bricks import tractor_path, write_brick
from encoder.simulation.content import brick_content
from encoder.simulation.field import add_points, add_trail, draw_faint, draw_stars, draw_trail
from encoder.simulation.galaxies import total_flux
from encoder.simulation.scene import APART, artefact_star
from encoder.simulation.sky import add_noise
from encoder.simulation.stamps import add_galaxy
from encoder.simulation.tiling import Brick, bricks_around
from encoder.simulation.tractor import RELEASE
from encoder.simulation.truth import Galaxy, SurveyParameters, draw_galaxy, survey_without
from encoder.simulation.votes import draw_votes, vote_chances
from encoder.surveys.description import ScaleRule

__all__ = [
    "SimulatedCutouts",
    "SurveyParameters",
    "draw_cutouts",
    "expected_fractions",
    "simulate_survey",
    "survey_without",
]

MARKER = "simulation.json"
TRUTH = "truth.parquet"
_SCALE = ScaleRule()
_PROCESSES = 2
_WORTH_A_POOL = 4


@dataclass(frozen=True)
class SimulatedCutouts:
    """Cutouts with known truth.

    Attributes:
        flux: Nanomaggies per native 0.262" pixel area in g, r, z, (n, 3, size, size); rows grow to the north.
        votes: Votes of every answer in the tree's order, (n, 34).
        truth: One array (n,) for every field of `encoder.simulation.truth.Galaxy`, and flux_g, flux_r and
            flux_z.
    """

    flux: NDArray[np.float32]
    votes: NDArray[np.int64]
    truth: dict[str, NDArray[np.generic]]


def simulate_survey(
    root: Path,
    n_bricks: int = 8,
    galaxies_per_brick: int = 300,
    seed: int = 1,
    ra: float = 150.0,
    dec: float = 2.0,
    progress: Callable[[str], None] | None = None,
) -> Path:
    """Write neighbouring bricks in the Legacy Surveys DR10 layout, and `truth.parquet`.

    A brick's content depends on seed and brick alone. A second call with the same arguments does nothing, or
    goes on where a killed one stopped.

    Args:
        root: Folder of the survey; made if it is not there.
        n_bricks: Number of bricks to draw.
        galaxies_per_brick: True galaxies (r < 19) in the area that each brick owns.
        seed: Same seed, same survey.
        ra: Right ascension about which the bricks lie, degrees.
        dec: Declination about which the bricks lie, degrees.
        progress: Called with one line for every brick that is done.

    Returns:
        Folder of the survey.

    Raises:
        EncoderError: The folder holds something else, or another simulation.
    """
    arguments = {
        "n_bricks": n_bricks,
        "galaxies_per_brick": galaxies_per_brick,
        "seed": seed,
        "ra": ra,
        "dec": dec,
    }
    bricks = bricks_around(ra, dec, n_bricks)
    if galaxies_per_brick < 1:
        raise EncoderError(f"a brick of {galaxies_per_brick} galaxies cannot be simulated")
    if _is_finished(root, arguments):
        return root
    _write_json(root / MARKER, arguments | {"finished": False})
    survey = SurveyParameters()
    missing = [brick for brick in bricks if not tractor_path(root, brick).exists()]
    _write_bricks(root, missing, galaxies_per_brick, seed, survey, progress or (lambda _: None))
    truth = pd.concat([_truth_rows(brick, galaxies_per_brick, seed, survey) for brick in bricks])
    truth.to_parquet(root / f".{TRUTH}.part", index=False)
    (root / f".{TRUTH}.part").replace(root / TRUTH)
    _write_json(root / MARKER, arguments | {"finished": True})
    return root


def draw_cutouts(
    n: int, seed: int, size: int = 160, survey: SurveyParameters | None = None
) -> SimulatedCutouts:
    """Draw galaxies and their votes for training, without bricks.

    The field is 424 x max(0.04 shape_r, 0.1) arcsec. A field is drawn and given its noise on native pixels
    (binned 2 x 2 where the output pixel is wider than 2.3 natives), then area-averaged to the output grid, or
    interpolated where the output is finer: noise is correlated just as in a cutout of a brick.

    Args:
        n: Number of galaxies to draw.
        seed: The same seed gives the same cutouts; give each process its own.
        size: Width and height of a cutout, pixels.
        survey: Ranges to draw from; without it, the usual ones.
    """
    survey = survey or SurveyParameters()
    rng = np.random.default_rng(seed)
    galaxies = [draw_galaxy(rng, survey) for _ in range(n)]
    flux = np.empty((n, 3, size, size), np.float32)
    votes = np.empty((n, GZD5.n_answers), np.int64)
    for i, galaxy in enumerate(galaxies):
        flux[i] = cutout(galaxy, rng, survey, size)
        votes[i] = draw_votes(galaxy, rng, survey)
    return SimulatedCutouts(flux, votes, truth_columns(galaxies))


def expected_fractions(n: int, seed: int, survey: SurveyParameters | None = None) -> NDArray[np.float32]:
    """Mean vote fractions of the galaxies of `draw_cutouts`, (n, 34): what knowing the truth foretells.

    Args:
        n: The number of galaxies that was given to `draw_cutouts`.
        seed: The seed that was given to it.
        survey: The ranges that were given to it; None for the usual ones.
    """
    survey = survey or SurveyParameters()
    rng = np.random.default_rng(seed)
    galaxies = [draw_galaxy(rng, survey) for _ in range(n)]
    chances = [vote_chances(galaxy, survey) for galaxy in galaxies]
    rows = [np.concatenate([c[question.name] for question in GZD5.questions]) for c in chances]
    return np.stack(rows).astype(np.float32)


def cutout(galaxy: Galaxy, rng: Generator, survey: SurveyParameters, size: int) -> NDArray[np.float32]:
    """One galaxy in its field with noise, (3, size, size) nanomaggies per native pixel area."""
    field_arcsec = FIELD_PX * max(_SCALE.shape_r * galaxy.shape_r_arcsec, _SCALE.minimum_arcsec)
    ratio = field_arcsec / survey.pixel_scale_arcsec / size
    step = 2 if ratio > 2.3 else 1  # noqa: PLR2004 - the PSF stays sampled at 2.5 pixels a FWHM
    n = math.ceil(field_arcsec / survey.pixel_scale_arcsec / step) + 3
    middle = (n - 1) / 2 + rng.uniform(-0.5, 0.5, 2)
    image = _field(galaxy, rng, survey, n, middle, step)
    add_noise(image, rng, survey, step)
    across, down = (_averaging(n, float(m), ratio / step, size) for m in middle)
    averaged: NDArray[np.float32] = np.matmul(np.matmul(down, image), across.T).astype(np.float32, copy=False)
    return averaged


def truth_columns(galaxies: list[Galaxy]) -> dict[str, NDArray[np.generic]]:
    """One array for every field of a galaxy, and its true fluxes."""
    rows = [asdict(galaxy) for galaxy in galaxies]
    columns: dict[str, NDArray[np.generic]] = {
        name: np.array([row[name] for row in rows]) for name in rows[0]
    }
    flux = np.array([total_flux(galaxy) for galaxy in galaxies])
    return columns | {f"flux_{band}": flux[:, i] for i, band in enumerate("grz")}


def _field(
    galaxy: Galaxy, rng: Generator, survey: SurveyParameters, n: int, middle: NDArray[np.float64], step: int
) -> NDArray[np.float32]:
    """The noiseless field around a galaxy, (3, n, n), on pixels `step` natives wide."""
    image = np.zeros((3, n, n), np.float32)
    x, y = (float(m) for m in middle)
    if galaxy.artefact == "spikes":
        add_points(image, artefact_star(galaxy, x * step, y * step), survey, step)
    else:
        add_galaxy(image, galaxy, x, y, survey, step)
    area_arcmin2 = (n * step * survey.pixel_scale_arcsec / 60) ** 2
    for _ in range(int(rng.poisson(survey.neighbours_per_arcmin2 * area_arcmin2))):
        neighbour, at = draw_galaxy(rng, survey), rng.uniform(0, n, 2)
        apart_arcsec = math.dist(at, middle) * survey.pixel_scale_arcsec * step
        if apart_arcsec > APART * (galaxy.shape_r_arcsec + neighbour.shape_r_arcsec):
            add_galaxy(image, neighbour, float(at[0]), float(at[1]), survey, step)
    add_points(image, draw_faint(rng, survey, n * step, n * step), survey, step)
    add_points(image, draw_stars(rng, survey, n * step, n * step), survey, step)
    if galaxy.artefact == "trail":
        near = (middle + rng.normal(0, 0.02 * n, 2)) * step
        add_trail(image, draw_trail(rng, float(near[0]), float(near[1])), step)
    return image


def _averaging(n: int, middle: float, ratio: float, size: int) -> NDArray[np.float32]:
    """Weights (size, n) of a box `max(ratio, 1)` pixels wide: area averaging, or linear interpolation."""
    centres = middle + (np.arange(size) - (size - 1) / 2) * ratio
    half = max(ratio, 1.0) / 2
    edges = np.arange(n + 1) - 0.5
    covered = np.clip(edges[None, :], (centres - half)[:, None], (centres + half)[:, None])
    weights = np.diff(covered, axis=1)
    averaging: NDArray[np.float32] = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
    return averaging


def _is_finished(root: Path, arguments: dict[str, int | float]) -> bool:
    """Whether the folder holds this very simulation, whole.

    Raises:
        EncoderError: It holds another, or something that is none.
    """
    make_folder(root, EncoderError)
    marker = root / MARKER
    if not marker.exists():
        if any(root.iterdir()):
            raise EncoderError(f"{root} is not empty and holds no {MARKER}: choose another folder")
        return False
    try:
        stored = json.loads(marker.read_text())
        finished = bool(stored.pop("finished"))
    except (ValueError, KeyError, AttributeError):
        raise EncoderError(f"{marker} cannot be read: delete the folder and simulate again") from None
    differing = [
        f"{key} {stored.get(key)} not {value}" for key, value in arguments.items() if stored.get(key) != value
    ]
    if differing:
        raise EncoderError(
            f"{root} holds another simulation: {', '.join(differing)}; delete the folder to simulate anew"
        )
    return finished


def _write_bricks(
    root: Path,
    bricks: list[Brick],
    galaxies_per_brick: int,
    seed: int,
    survey: SurveyParameters,
    progress: Callable[[str], None],
) -> None:
    if len(bricks) < _WORTH_A_POOL:
        for i, brick in enumerate(bricks):
            write_brick(root, brick, galaxies_per_brick, seed, survey)
            progress(f"brick {i + 1} of {len(bricks)}: {brick.name}")
        return
    # Spawned, not forked: the caller may have threads.
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    with ProcessPoolExecutor(_PROCESSES, mp_context=context) as pool:
        try:
            with _ctrl_c_held():
                futures = {
                    pool.submit(write_brick, root, b, galaxies_per_brick, seed, survey): b for b in bricks
                }
            for i, future in enumerate(as_completed(futures)):
                future.result()
                progress(f"brick {i + 1} of {len(bricks)}: {futures[future].name}")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in set(multiprocessing.active_children()) - others:
                worker.terminate()
            raise


@contextmanager
def _ctrl_c_held() -> Iterator[None]:
    """Processes that start meanwhile never hear of Ctrl-C, for their parent ends them; it hears of it after.

    They inherit what this thread blocks. Another thread may take the signal, and Python would then interrupt
    the start of a process half-way; so it is only noted here. Python interrupts its main thread alone.
    """
    received: list[int] = []
    is_main = threading.current_thread() is threading.main_thread()
    handler = signal.signal(signal.SIGINT, lambda number, _: received.append(number)) if is_main else None
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if is_main:
            signal.signal(signal.SIGINT, handler)
        if received:
            signal.raise_signal(signal.SIGINT)


def _truth_rows(brick: Brick, galaxies_per_brick: int, seed: int, survey: SurveyParameters) -> pd.DataFrame:
    """One row for every true galaxy that the brick owns; the key is the Tractor catalogue's."""
    content = brick_content(brick, galaxies_per_brick, seed, survey)
    listed, _ = content.listed_rows()
    objid = np.flatnonzero(content.galaxy_primary[listed])
    own = listed[objid]
    galaxies = [content.galaxies[i] for i in own]
    key = {"brick": brick.name, "release": RELEASE, "brickid": brick.brickid, "objid": objid}
    where = {"ra": content.galaxy_sky[own, 0], "dec": content.galaxy_sky[own, 1]}
    rng = np.random.default_rng([seed, brick.brickid, 2])
    votes = np.array([draw_votes(galaxy, rng, survey) for galaxy in galaxies]).reshape(-1, GZD5.n_answers)
    columns = dict(zip(GZD5.labels, votes.T, strict=True))
    for question in GZD5.questions:
        columns[f"{question.name}_total-votes"] = votes[:, question.slice].sum(axis=1)
    return pd.DataFrame(key | where | truth_columns(galaxies) | columns)


def _write_json(path: Path, values: dict[str, int | float]) -> None:
    partial = path.with_name(f".{path.name}.part")
    partial.write_text(json.dumps(values, indent=1) + "\n")
    partial.replace(path)
