"""Commands for who runs a catalogue: how it stands, making its schema, and bringing it up to date."""

from pathlib import Path
from typing import Annotated

import typer

from galcat.cli.console import log, mark_line, out
from galcat.cli.open_catalogue import catalogue_url
from galcat.errors import EXPECTED, WorkflowError, reason

app = typer.Typer()


@app.command()
def status(
    look_at_all: Annotated[
        bool, typer.Option("--all", help="Look at the files of every tile, and into the drop folder.")
    ] = False,
    alarm: Annotated[
        bool, typer.Option("--alarm", help="Send what needs care by the alarms that are set.")
    ] = False,
) -> None:
    """Say how the catalogue stands; exit code 1 when something has to be done, for cron.

    What failed, which tiles lost their files or wait, the last night, the index and its recall, the weights,
    the disk, how far a standby is behind. Each line that needs care says what to do. Nothing is changed.

    With more than 2,000 tiles it looks at the files of 2,000, other ones every hour, and tells what the jobs
    saw in the drop folder.

    Example: `galcat status --alarm > /dev/null`
    """
    from catalog.settings import load_settings  # noqa: PLC0415
    from galcat.workflows.watch.state import MAX_LOOKED_AT, describe_catalogue  # noqa: PLC0415

    needs_care, settings, failure = list[str](), load_settings(), None
    try:
        for finding in describe_catalogue(catalogue_url(), settings, None if look_at_all else MAX_LOOKED_AT):
            mark, colour = ("ok  ", "green") if finding.is_well else ("CARE", "red")
            out.print(mark_line(mark, colour, f"{finding.name}: {finding.text}"), soft_wrap=True)
            if not finding.is_well:
                out.print(f"     to do: {finding.remedy}", soft_wrap=True)
                needs_care.append(f"{finding.name}: {finding.text}\n    to do: {finding.remedy}")
    except EXPECTED as error:  # such as a database that is away, of which an alarm has to tell before all
        needs_care.append(f"galcat status failed: {reason(error)}")
        failure = error
    if alarm and needs_care:
        _send(settings.home, needs_care)
    if failure is not None:
        raise failure
    raise typer.Exit(1 if needs_care else 0)


@app.command()
def init(
    plan: Annotated[
        bool, typer.Option("--plan", help="Only print the SQL that an administrator has to run before.")
    ] = False,
    reader_password_file: Annotated[
        Path | None,
        typer.Option(
            help="Let galcat_public, as which strangers' queries run, log in by this file's password."
        ),
    ] = None,
) -> None:
    """Make the catalogue's schema, or say what SQL an administrator of the server has to run before.

    The login needs no superuser: one that may make roles and owns its database makes all but the extension
    vector, and any member of galcat_owner brings the schema up to date later. What --plan prints is SQL for
    psql in the catalogue's database; exit code 1 where something of it is needed.

    Example: `galcat init --plan`
    """
    from catalog.database.connection import connect  # noqa: PLC0415
    from catalog.database.migrate import migrate as bring_up_to_date  # noqa: PLC0415
    from catalog.database.privileges import list_lacks  # noqa: PLC0415
    from catalog.database.reader_login import let_reader_log_in  # noqa: PLC0415

    url = catalogue_url(may_create=not plan)
    if not plan:
        bring_up_to_date(url)
        if reader_password_file is not None:
            let_reader_log_in(url, reader_password_file)
        log.print("the catalogue is there: fill it by galcat ingest")
        return
    with connect(url) as connection:
        lacks = list_lacks(connection)
        database = connection.info.dbname
    if not lacks:
        log.print("this login lacks nothing: galcat init makes the catalogue")
    else:
        out.print(f"-- For an administrator, connected to the database {database}.", soft_wrap=True)
    for lack in lacks:
        out.print(f"-- {'Needed' if lack.is_needed else 'Better'}: {lack.reason}.", soft_wrap=True)
        for statement in lack.statements:
            out.print(statement, soft_wrap=True)
    raise typer.Exit(1 if any(lack.is_needed for lack in lacks) else 0)


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

    url = catalogue_url()
    steps = plan_migration(url)
    if plan:
        for step in steps:
            out.print(f"sql/{step}", soft_wrap=True)
    else:
        bring_up_to_date(url)
    done = "to do" if plan else "done"
    log.print(f"{len(steps)} steps {done}" if steps else "the schema is up to date")


def _send(home: Path, needs_care: list[str]) -> None:
    """Send an alarm; what does not get through is said."""
    from catalog.counts import count_of  # noqa: PLC0415
    from galcat.workflows.watch.alarms import load_alarm_settings, send_alarm  # noqa: PLC0415

    alarms = load_alarm_settings(home)
    if not alarms.ways:
        raise WorkflowError(
            f"no alarm is set: name a webhook, mail or command under [alarm] in {home}/galcat.toml"
        )
    verb = "needs" if len(needs_care) == 1 else "need"
    subject = f"galcat: {count_of(len(needs_care), 'thing')} {verb} care"
    for problem in send_alarm(alarms, subject, "\n".join(needs_care)):
        log.print(mark_line("warning:", "yellow", problem), soft_wrap=True)
