"""Commands for who runs a catalogue: how it stands, and bringing its schema up to date."""

from typing import Annotated

import typer

from galcat.cli.console import catalogue_url, log, mark_line, out

app = typer.Typer()


@app.command()
def status() -> None:
    """Say how the catalogue stands; exit code 1 when something has to be done, for cron.

    What failed, which tiles lost their files or wait, the index, the weights, the disk, how far a standby is
    behind. Each line that needs care says what to do. Nothing is changed.

    Example: `galcat status || mail -s galcat operator@example.org`
    """
    from catalog.settings import load_settings  # noqa: PLC0415
    from galcat.workflows.state import describe_catalogue  # noqa: PLC0415

    all_is_well = True
    for finding in describe_catalogue(catalogue_url(), load_settings()):
        mark, colour = ("ok  ", "green") if finding.is_well else ("CARE", "red")
        out.print(mark_line(mark, colour, f"{finding.name}: {finding.text}"), soft_wrap=True)
        if not finding.is_well:
            out.print(f"     to do: {finding.remedy}", soft_wrap=True)
            all_is_well = False
    raise typer.Exit(0 if all_is_well else 1)


@app.command()
def migrate(
    plan: Annotated[bool, typer.Option("--plan", help="Only say what would be done.")] = False,
) -> None:
    """Bring the catalogue's schema up to date, in one transaction, or say what that takes.

    Commands that write do so by themselves. A galcat older than the one that did refuses to open it.

    Example: `galcat migrate --plan`
    """
    from catalog.database.migrate import migrate as bring_up_to_date  # noqa: PLC0415
    from catalog.database.migrate import plan_migration  # noqa: PLC0415

    url = catalogue_url(may_create=not plan)
    steps = plan_migration(url)
    if plan:
        for step in steps:
            out.print(f"sql/{step}", soft_wrap=True)
    else:
        bring_up_to_date(url)
    done = "to do" if plan else "done"
    log.print(f"{len(steps)} steps {done}" if steps else "the schema is up to date")
