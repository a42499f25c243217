"""The command that arranges the galaxies of a release on a map, for the page."""

import typer

from galcat.cli.console import log, open_to_write, progress_bar, updated_catalogue_url

app = typer.Typer()


@app.command("map")
def make_map() -> None:
    """Arrange the galaxies of the current release on a map, which the page of `galcat serve` shows.

    Near each other is alike. Run it again when many galaxies have come since.

    Example: `galcat map`
    """
    from galcat.workflows.release_map import make_release_map  # noqa: PLC0415 - sklearn takes a second

    with open_to_write(), progress_bar(transient=True) as progress:
        bar = progress.add_task("galaxies", total=None)
        made = make_release_map(updated_catalogue_url(), lambda n: progress.advance(bar, n))
    how = (
        "" if made.sampled == made.galaxies else f", {made.sampled} arranged and the others placed among them"
    )
    log.print(
        f"{made.galaxies} galaxies of release {made.release} are on its map{how}; galcat serve shows it",
        soft_wrap=True,
    )
