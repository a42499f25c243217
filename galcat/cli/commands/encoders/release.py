"""Commands for the life of a release: list, create, backfill, promote, drop, and the map of its galaxies."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalog.counts import count_of
from catalog.result import Result
from galcat.cli.command_group import CommandGroup
from galcat.cli.console import count_galaxies, log
from galcat.cli.executors import RayAddress, Workers, choose_executor
from galcat.cli.open_catalogue import catalogue_url, open_as_reader, open_to_write, updated_catalogue_url
from galcat.cli.options import OneALine, Wide
from galcat.cli.run_listeners import run_listeners
from galcat.cli.tables import Layout, show

if TYPE_CHECKING:
    from galcat.workflows.ingest.outcome import TileOutcome

# What only some of the commands need is imported in them: the help is shown without it.
app = typer.Typer()
release = typer.Typer(cls=CommandGroup, no_args_is_help=True, rich_markup_mode="markdown")
app.add_typer(
    release, name="release", help="Releases of the encoder: a second one beside the one that serves."
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the release.")]
COLUMNS = (
    "name",
    "state",
    "weights",
    "backbone",
    "dimension",
    "views",
    "tiles",
    "missing",
    "failed",
    "galaxies",
    "index",
    "created",
)


@release.command("list")
def list_releases(wide: Wide = False, one_a_line: OneALine = False) -> None:
    """List the releases: which one serves, and what the others still lack."""
    from catalog.releases.releases import list_release_states  # noqa: PLC0415

    with open_as_reader(may_be_empty=True) as connection:
        found = list_release_states(connection)
    rows: list[tuple[object, ...]] = [
        (
            one.name,
            "current" if one.is_current else "-",
            one.weights_sha256[:12],
            one.backbone,
            one.dimension,
            one.view_set,
            one.tiles,
            one.missing,
            one.failed,
            one.galaxies,
            "built" if one.has_index else "-",
            f"{one.created_at:%Y-%m-%d %H:%M}",
        )
        for one in found
    ]
    layout = Layout(wide, one_a_line, ("name", "state", "tiles", "missing", "failed", "galaxies", "index"))
    show(Result(COLUMNS, rows), layout=layout)


@release.command()
def create(
    weights: Annotated[
        Path | None, typer.Argument(metavar="WEIGHTS", help="Weights file; without it, those shipped.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name; without it, the encoder's own.")] = None,
) -> None:
    """Register weights as one more release; the current one goes on serving.

    Example: `galcat release create better.safetensors`
    """
    from encoder.model.encoder import load_encoder  # noqa: PLC0415
    from galcat.workflows.ingest.target import create_release  # noqa: PLC0415 - torch takes seconds
    from galcat.workflows.releases.weights_store import keep_weights, shipped_file  # noqa: PLC0415

    with nullcontext(weights) if weights else shipped_file() as file:
        encoder = load_encoder(file)
        keep_weights(file)
        made = create_release(catalogue_url(may_create=True), encoder, name)
    what = f"release {made.name}: {made.backbone}, {made.dimension} numbers, {made.view_set} views"
    then = "it is the current one" if made.is_current else f"fill it by galcat release backfill {made.name}"
    log.print(f"{what}; {then}", soft_wrap=True)


@release.command()
def keep(
    weights: Annotated[Path, typer.Argument(metavar="WEIGHTS", help="Weights file of a release.")],
) -> None:
    """Keep a copy of a weights file by its digest, where every command and the nightly jobs look for it.

    What `galcat ingest`, `release create` and `release backfill` were given is kept already. This is for
    weights that an older galcat shipped, and for a second machine. The copies lie in `GALCAT_WEIGHTS_DIR`, by
    default in `weights` in the home.

    Example: `galcat release keep old.safetensors`
    """
    from encoder.model.encoder import load_encoder  # noqa: PLC0415
    from galcat.workflows.releases.weights_store import keep_weights  # noqa: PLC0415 - torch takes seconds

    load_encoder(weights, "cpu")  # what is no weights file is refused
    log.print(f"kept as {keep_weights(weights)}", soft_wrap=True)


@release.command()
def backfill(
    name: Name,
    weights: Annotated[
        Path | None, typer.Option(help="Its weights file; without it, sought by digest, kept or shipped.")
    ] = None,
    folder: Annotated[
        list[str] | None,
        typer.Option(help="SURVEY=PATH: where a survey's tiles lie now; without it, where they were."),
    ] = None,
    ray: RayAddress = None,
    workers: Workers = None,
) -> None:
    """Fill a release with every tile that the current one has, while that one serves.

    Stopped at any moment, a second call does only what is missing. A tile that fails is named, the rest go
    on; the exit code is then 1. At the end the vector index is built.

    Example: `galcat release backfill better --weights better.safetensors`
    """
    folders = dict(map(_survey_and_folder, folder or []))
    encode_by = choose_executor(ray, workers)
    from galcat.workflows.run import fill_release  # noqa: PLC0415 - torch takes seconds

    with run_listeners("backfill") as listener:
        cells = fill_release(
            catalogue_url(), name, str(weights or ""), folders, listener, encode_by=encode_by
        )
    _summary(name, [tile for cell in cells for tile in cell.tiles])
    if any(cell.violated for cell in cells):
        raise typer.Exit(1)


@release.command()
def promote(
    name: Name,
    force: Annotated[
        bool, typer.Option("--force", help="Even where tiles or the index are missing.")
    ] = False,
) -> None:
    """Make a release the one that galcat.galaxy shows, at once; back again is the promotion of the old one.

    Refused while it lacks tiles that the current one has.

    Example: `galcat release promote better`
    """
    from catalog.calibration.stored import describe_calibrated  # noqa: PLC0415
    from catalog.releases.promotion import promote_release  # noqa: PLC0415

    with open_to_write(may_be_empty=True) as connection:
        done = promote_release(connection, name, force=force)
        lines = describe_calibrated(connection, name)
    if done.before == name:
        log.print(f"release {name} is the current one already", soft_wrap=True)
        return
    lost = f", without {count_of(done.missing, 'tile')} shown until now" if done.missing else ""
    back = f"; back by galcat release promote {done.before}" if done.before else ""
    log.print(f"galcat.galaxy shows release {name}{lost}{back}", soft_wrap=True)
    for line in lines:
        log.print(line, soft_wrap=True)


@release.command()
def drop(name: Name) -> None:
    """Remove a release that is not the current one, with all its vectors; the others stay as they are.

    Example: `galcat release drop worse`
    """
    from catalog.releases.releases import drop_release  # noqa: PLC0415

    with open_to_write(may_be_empty=True) as connection:
        gone = drop_release(connection, name)
    log.print(
        f"release {name} is gone: {count_of(gone.tiles, 'tile')}, {count_of(gone.galaxies, 'galaxy')}",
        soft_wrap=True,
    )


@app.command("map")
def make_map() -> None:
    """Arrange the galaxies of the current release on a map, which the page of `galcat serve` shows.

    Galaxies that look alike lie near each other. Run it again when many galaxies have come since.

    Example: `galcat map`
    """
    from galcat.workflows.releases.release_map import make_release_map  # noqa: PLC0415 - sklearn takes a second

    with open_to_write(), count_galaxies() as progress:
        made = make_release_map(updated_catalogue_url(), progress)
    how = (
        "" if made.sampled == made.galaxies else f", {made.sampled} arranged and the others placed among them"
    )
    log.print(
        f"{made.galaxies} galaxies of release {made.release} are on its map{how}; galcat serve shows it",
        soft_wrap=True,
    )


def _survey_and_folder(text: str) -> tuple[str, Path]:
    survey, equals, path = text.partition("=")
    if not (survey and equals and path):
        raise typer.BadParameter(f"{text!r} is not SURVEY=PATH", param_hint="--folder")
    return survey, Path(path)


def _summary(name: str, outcomes: "list[TileOutcome]") -> None:
    """Say what was done; exit code 1 where a tile failed or is missing, or a picture could not be read."""
    from catalog.releases.releases import list_release_states  # noqa: PLC0415

    done = [outcome for outcome in outcomes if outcome.state == "done"]
    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    unreadable = sum(outcome.n_failed for outcome in done)
    with open_as_reader() as connection:
        state = next(one for one in list_release_states(connection) if one.name == name)
    then = f"still missing: {count_of(state.missing, 'tile')}" if state.missing else "no tile is missing"
    if not (state.missing or state.is_current):
        then += f": galcat release promote {name}"
    log.print(
        f"release {name}: {count_of(len(done), 'tile')} filled, {len(failed)} failed; "
        f"{count_of(sum(o.n_galaxies for o in done), 'galaxy')}, {sum(o.n_skipped for o in done)} skipped, "
        f"{count_of(unreadable, 'unreadable image')}; {then}",
        soft_wrap=True,
    )
    if failed or unreadable or state.missing:
        raise typer.Exit(1)
