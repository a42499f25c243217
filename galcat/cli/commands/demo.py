"""The demonstration: a simulated survey, and what a newcomer would ask of it."""

import fcntl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer
from rich.padding import Padding

from catalog.database.read_only import run_query
from catalog.settings import load_settings
from galcat.cli.console import log, out, wide
from galcat.cli.open_catalogue import catalogue_url, open_to_read
from galcat.cli.run_listeners import ingest_and_report
from galcat.cli.tables import as_table, draw_similar
from galcat.errors import WorkflowError

app = typer.Typer()

SEED = 1
_BRIGHT, _FACE_ON = 17.5, 0.5
_WHY_FAR = (
    "these galaxies are simulated, and most are fainter (r > 17) than the real ones that the encoder was "
    "trained on: more than a third lie beyond domain_distance 1; docs/calibration.md has those of real ones"
)
CLEAREST_SPIRAL = (
    "SELECT object_id FROM galcat.galaxy "
    "ORDER BY has_spiral_arms_proportion_asked * has_spiral_arms_yes_fraction DESC LIMIT 1"
)


@app.command()
def demo(
    bricks: Annotated[int, typer.Option(help="Bricks to simulate.", min=1)] = 8,
    galaxies: Annotated[int, typer.Option(help="Galaxies a brick.", min=1)] = 300,
) -> None:
    """Simulate a small survey, ingest it, and print the answers to real questions."""
    settings = load_settings()
    with _wait_for_turn(settings.home):
        _run(settings.home, bricks, galaxies)


def _run(home: Path, bricks: int, galaxies: int) -> None:
    folder = make_survey(home, bricks, galaxies, log.print)
    if not ingest_and_report(catalogue_url(may_create=True), folder, "legacy_dr10", None):
        raise typer.Exit(1)
    log.print(_WHY_FAR, soft_wrap=True)
    _make_map(catalogue_url())
    answer_questions(home, write_ring_labels(home, folder))


def _make_map(url: str) -> None:
    """Give the page its map; one that shows every galaxy is kept, and a handful of galaxies has none."""
    from catalog.database.connection import connect  # noqa: PLC0415 - as the others
    from galcat.workflows.releases.release_map import has_current_map, make_release_map  # noqa: PLC0415 - the same

    with connect(url, autocommit=True) as connection:
        if has_current_map(connection):
            return
    try:
        made = make_release_map(url)
        log.print(f"{made.galaxies} galaxies are on the map of the page, which galcat serve shows")
    except WorkflowError as error:
        log.print(f"no map for the page: {error}", soft_wrap=True)


@contextmanager
def _wait_for_turn(home: Path) -> Iterator[None]:
    """Hold the home for one demonstration: two at once would write the same files."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.print(f"another galcat demo runs in {home}: waiting until it has ended", soft_wrap=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make_survey(home: Path, n_bricks: int, galaxies_per_brick: int, say: Callable[[str], None]) -> Path:
    """Simulate the demonstration's survey; a finished one is kept.

    Returns:
        The folder of bricks.
    """
    from encoder.simulation.simulate import simulate_survey  # noqa: PLC0415 - galsim takes seconds

    say(f"simulating {n_bricks} bricks of the Legacy Surveys layout, {galaxies_per_brick} galaxies each ...")
    return simulate_survey(home / "demo_survey", n_bricks, galaxies_per_brick, SEED, progress=say)


def questions() -> list[tuple[str, str]]:
    """The questions of `queries.sql`, each with its SQL."""
    text = resources.files("galcat.cli").joinpath("queries.sql").read_text(encoding="utf-8")
    blocks = [block.strip() for block in text.split("-- Q: ")[1:]]
    return [(block.split("\n", 1)[0], block.split("\n", 1)[1].strip()) for block in blocks]


def write_ring_labels(home: Path, folder: Path) -> Path:
    """What somebody who looked at 60 galaxies would say: 20 bright ones with a ring, 40 without.

    Returns:
        A CSV of positions and answers, for `galcat label`.
    """
    import pandas as pd  # noqa: PLC0415 - it takes as long as the answers

    truth = pd.read_parquet(folder / "truth.parquet")
    with open_to_read() as connection:
        there = {row[0] for row in run_query(connection, "SELECT survey_source_id FROM galcat.galaxy").rows}
    names = (
        truth["release"].astype(str) + "-" + truth["brickid"].astype(str) + "-" + truth["objid"].astype(str)
    )
    bright = truth[names.isin(there) & (truth["r_mag"] < _BRIGHT)]
    ringed = bright["ring"] != "none"
    shown = ringed & (bright["axis_ratio"] > _FACE_ON)
    drawn = [bright[rows].iloc[:n] for rows, n in ((shown, 20), (~ringed, 40))]
    labels = pd.concat(drawn)[["ra", "dec", "ring"]]
    labels["ring"] = (labels["ring"] != "none").map({True: "yes", False: "no"})
    file = home / "demo_rings.csv"
    labels.to_csv(file, index=False)
    return file


def answer_questions(home: Path, labels: Path) -> None:
    """Ask every question, print its SQL and its answer, and draw the neighbours of a spiral."""
    from catalog.search.request import Search  # noqa: PLC0415 - SQLAlchemy and numpy
    from catalog.search.search import search  # noqa: PLC0415 - SQLAlchemy and numpy
    from galcat.workflows.similar import SearchTarget  # noqa: PLC0415 - the same

    with open_to_read() as connection:
        for question, query in questions():
            out.print(question, style="bold", soft_wrap=True)
            out.print(query, style="cyan", soft_wrap=True)
            wide.print(Padding(as_table(run_query(connection, query)), (1, 0, 1, 2), expand=False))
        spiral = int(str(run_query(connection, CLEAREST_SPIRAL).rows[0][0]))
        sheet = home / "demo_similar.png"
        found = search(connection, Search(like=(spiral,), n=14))
        draw_similar(connection, SearchTarget((spiral,)), found, sheet)
    out.print("Now you", style="bold")
    out.print(f"Open {sheet}: the galaxy of question 7 and its 14 nearest neighbours.", soft_wrap=True)
    galcat = sys.argv[0] if Path(sys.argv[0]).name == "galcat" else f"{sys.executable} -m galcat"
    out.print(f"Try: {galcat} similar {spiral}")
    out.print(f'     {galcat} sql "TABLE galcat.galaxy LIMIT 3" --format csv')
    out.print(f"     {galcat} anomalies new mine   (then next, and rate)")
    out.print(f'     {galcat} tasks add ring --question "Has it a ring?"')
    out.print(f"     {galcat} label ring {labels}   (20 rings and 40 others)", soft_wrap=True)
    out.print(f"     {galcat} finetune ring   (a column ring_probability)")
    out.print(f"     {galcat} serve   (look, compare and label in a browser)")
    out.print(f"     {galcat} down   (stops the embedded Postgres)")
