"""The simulated survey on disk: bricks of galaxies whose true class is known, and the truth beside them."""

import json
import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from encoder.errors import EncoderError
from encoder.model.atomic_file import make_folder
from encoder.model.gz_tree import GZD5
from encoder.simulation.bricks import tractor_path, write_brick
from encoder.simulation.content import brick_content
from encoder.simulation.cutouts import truth_columns
from encoder.simulation.tiling import Brick, bricks_around
from encoder.simulation.tractor import RELEASE
from encoder.simulation.truth import SurveyParameters
from encoder.simulation.votes import draw_votes

MARKER = "simulation.json"
TRUTH = "truth.parquet"
_PROCESSES = 2
_WORTH_A_POOL = 4


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
        seed: Seed of everything random: the same one gives the same survey.
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
