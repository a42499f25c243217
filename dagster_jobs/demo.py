"""The demonstration: a simulated survey, and what a newcomer would ask of it."""

import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from rich.console import Console
from rich.padding import Padding

from catalog.query import run_query
from catalog.search import Search, search
from dagster_jobs.cli_query import as_table, connected, draw_similar, wide
from dagster_jobs.similar_target import Target
from encoder.simulate import simulate_survey

SEED = 1
CLEAREST_SPIRAL = (
    "SELECT object_id FROM galcat.galaxy "
    "ORDER BY has_spiral_arms_proportion_asked * has_spiral_arms_yes_fraction DESC LIMIT 1"
)
console = Console(highlight=False)


def make_survey(home: Path, n_bricks: int, galaxies_per_brick: int, say: Callable[[str], None]) -> Path:
    """Simulate the demonstration's survey; a finished one is kept.

    Returns:
        The folder of bricks.
    """
    say(f"simulating {n_bricks} bricks of the Legacy Surveys layout, {galaxies_per_brick} galaxies each ...")
    return simulate_survey(home / "demo_survey", n_bricks, galaxies_per_brick, SEED, progress=say)


def questions() -> list[tuple[str, str]]:
    """The questions of `queries.sql`, each with its SQL."""
    text = resources.files("dagster_jobs").joinpath("queries.sql").read_text(encoding="utf-8")
    blocks = [block.strip() for block in text.split("-- Q: ")[1:]]
    return [(block.split("\n", 1)[0], block.split("\n", 1)[1].strip()) for block in blocks]


def answer_questions(home: Path) -> None:
    """Ask every question, print its SQL and its answer, and draw the neighbours of a spiral."""
    with connected() as connection:
        for question, query in questions():
            console.print(question, style="bold", markup=False, soft_wrap=True)
            console.print(query, style="cyan", markup=False, soft_wrap=True)
            wide.print(Padding(as_table(run_query(connection, query)), (1, 0, 1, 2), expand=False))
        spiral = int(str(run_query(connection, CLEAREST_SPIRAL).rows[0][0]))
        sheet = home / "demo_similar.png"
        found = search(connection, Search(like=(spiral,), n=14))
        draw_similar(connection, Target((spiral,)), found, sheet)
    console.print("Now you", style="bold")
    console.print(f"Open {sheet}: the galaxy of question 7 and its 14 nearest neighbours.", soft_wrap=True)
    galcat = sys.argv[0]
    console.print(f"Try: {galcat} similar {spiral}", markup=False)
    console.print(f'     {galcat} sql "TABLE galcat.galaxy LIMIT 3" --format csv', markup=False)
    console.print(f"     {galcat} down   (stops the embedded Postgres)", markup=False)
