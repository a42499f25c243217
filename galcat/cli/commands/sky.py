"""Commands for the sky pane of the page: the survey's own tiles as pictures, and a viewer of them."""

from pathlib import Path
from typing import Annotated

import typer

from galcat.cli.console import log, progress_bar
from galcat.cli.open_catalogue import catalogue_url

app = typer.Typer()


@app.command()
def hips(
    output: Annotated[
        Path | None, typer.Argument(help="Folder to make; without it, `hips` in the home, for the page.")
    ] = None,
    order: Annotated[
        int | None,
        typer.Option(
            min=0, max=13, help="HEALPix order of the finest tiles; without it, that of the pixels."
        ),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the one that is there.")] = False,
) -> None:
    """Draw the survey's own tiles as a HiPS, which Aladin and the page's sky pane zoom through.

    Needs `pip install 'galcat[hips]'`. Overlapping tiles are laid one over the other.

    Example: `galcat hips`
    """
    from catalog.counts import count_of  # noqa: PLC0415
    from catalog.settings import load_settings  # noqa: PLC0415
    from galcat.workflows.sky.sky_hips import make_hips  # noqa: PLC0415 - numpy and more

    folder = output or load_settings().home / "hips"
    with progress_bar(transient=True) as progress:
        bar = progress.add_task("tiles", total=None)
        made = make_hips(
            catalogue_url(),
            folder,
            order,
            lambda done, n: progress.update(bar, completed=done, total=n),
            replace=replace,
        )
    drawn = f"{count_of(made.tiles, 'tile')} {'is' if made.tiles == 1 else 'are'} drawn in {folder}"
    log.print(f"{drawn}, down to order {made.order}", soft_wrap=True)
    for line in made.left_out[:10]:
        log.print(f"left out: {line}", soft_wrap=True)
    if len(made.left_out) > 10:  # noqa: PLR2004 - a screen
        log.print(f"left out: {len(made.left_out) - 10} more")


@app.command()
def aladin(
    file: Annotated[
        Path | None,
        typer.Option("--file", help="The package, fetched elsewhere; else npm fetches it."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether its licence suits you.")] = False,
) -> None:
    """Add Aladin Lite to the page, whose sky pane then shows what `galcat hips` drew.

    Aladin Lite has a licence of its own, which is shown first, and is no part of galcat.

    Example: `galcat aladin --yes`
    """
    from catalog.settings import load_settings  # noqa: PLC0415
    from galcat.workflows.sky.aladin import LICENCE, VERSION, add_aladin  # noqa: PLC0415

    log.print(LICENCE, soft_wrap=True)
    if not yes:
        typer.confirm("Add it?", abort=True)
    folder = load_settings().home / "aladin"
    add_aladin(folder, file)
    log.print(f"Aladin Lite {VERSION} is in {folder}; galcat serve shows it in the sky pane", soft_wrap=True)
