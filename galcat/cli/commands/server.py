"""Commands for the embedded server and the Dagster UI."""

import os
import shutil
import signal
import sys
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from catalog.database.connection import parse_url
from catalog.database.embedded import server
from catalog.database.embedded.account import package_programs
from catalog.errors import ServerError
from catalog.settings import load_settings
from galcat.cli.console import catalogue_url, check_port, updated_catalogue_url
from galcat.cli.free_port import require_free
from galcat.errors import WorkflowError

app = typer.Typer()


@app.command()
def up() -> None:
    """Start the embedded Postgres (or find it) and bring its schema up to date; prints its URL.

    It keeps running until `galcat down`. With GALCAT_DATABASE_URL set, that database is brought up to date.
    """
    typer.echo(updated_catalogue_url(may_create=True))


@app.command()
def down() -> None:
    """Stop the embedded Postgres; nothing is lost."""
    stopped = server.down(load_settings().home)
    typer.echo("stopped" if stopped else "was not running")


@app.command()
def url() -> None:
    """Print the URL of the database, for psql and other clients; exit code 1 when it is not running.

    Example: `pg_dump "$(galcat url)"`
    """
    settings = load_settings()
    found = settings.database_url or server.url(settings.home)
    if found is None:
        typer.echo(f"not running in {settings.home.resolve()}: start it with galcat up", err=True)
        raise typer.Exit(1)
    typer.echo(found)


@app.command(context_settings={"ignore_unknown_options": True})
def psql(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="ARGS", help="What psql is to be told, as its manual has it."),
    ] = None,
) -> None:
    r"""Open the catalogue in psql, the one of the embedded Postgres or else the machine's.

    For example:

    * `galcat psql`, then `\d+ galcat.galaxy` for what each column means
    * `galcat psql -c "SELECT count(*) FROM galcat.galaxy"`
    """
    program = find_psql()
    parts = conninfo_to_dict(parse_url(catalogue_url()))
    password = parts.pop("password", None)  # a command line is for everybody to see
    environment = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    sys.stdout.flush()
    os.execve(program, [str(program), make_conninfo("", **parts), *(words or [])], environment)  # noqa: S606 - no shell


def find_psql() -> Path:
    """The program psql: of the embedded Postgres, else the one on the PATH.

    Raises:
        WorkflowError: There is none.
    """
    with suppress(ServerError):  # a galcat without the embedded Postgres
        own = package_programs() / "psql"
        if own.is_file():
            return own
    found = shutil.which("psql")
    if found is None:
        raise WorkflowError("no psql here: neither the embedded Postgres has one, nor is one on the PATH")
    return Path(found)


@app.command()
def jobs(
    port: Annotated[
        int, typer.Option(callback=check_port, help="Port of the Dagster UI on this machine.")
    ] = 3000,
) -> None:
    """Open the Dagster UI with its daemon: the sensor watches the drop folder, the nightly jobs run."""
    require_free("127.0.0.1", port)  # Dagster would go on without its UI
    settings = load_settings()
    home, drop = settings.home.resolve(), settings.drop_folder.resolve()
    dagster_home = home / "dagster"
    for folder in (dagster_home, drop):
        folder.mkdir(parents=True, exist_ok=True)
    config = dagster_home / "dagster.yaml"
    if not config.exists():
        config.write_bytes((resources.files("dagster_jobs") / "dagster.yaml").read_bytes())
    environment = {
        # A look at a drop folder of 100,000 tiles takes longer than Dagster's minute.
        "DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS": "600",
        "DAGSTER_SCHEDULE_GRPC_TIMEOUT_SECONDS": "600",
        **os.environ,
        "DAGSTER_HOME": str(dagster_home),
        "GALCAT_HOME": str(home),
        "GALCAT_DROP_FOLDER": str(drop),
    }
    command = [sys.executable, "-m", "dagster", "dev", "-m", "dagster_jobs.definitions", "-p", str(port)]
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # what a script starts with & ignores it, and never ends
    os.execve(sys.executable, command, environment)  # noqa: S606 - our own command line, no shell
