"""Commands for the embedded server and the Dagster UI."""

import os
import signal
import sys
from importlib import resources
from typing import Annotated

import typer

from catalog.database.embedded import server
from catalog.settings import load_settings
from galcat.cli.console import check_port, updated_catalogue_url
from galcat.cli.free_port import require_free

app = typer.Typer()


@app.command()
def up() -> None:
    """Start the embedded Postgres (or find it) and bring its schema up to date; prints its URL.

    It keeps running until `galcat down`. With GALCAT_DATABASE_URL set, that database is brought up to date.
    """
    typer.echo(updated_catalogue_url())


@app.command()
def down() -> None:
    """Stop the embedded Postgres; nothing is lost."""
    stopped = server.down(load_settings().home)
    typer.echo("stopped" if stopped else "was not running")


@app.command()
def url() -> None:
    """Print the URL of the database, for psql and other clients; exit code 1 when it is not running.

    Example: `psql "$(galcat url)"`
    """
    settings = load_settings()
    found = settings.database_url or server.url(settings.home)
    if found is None:
        typer.echo("not running: start it with galcat up", err=True)
        raise typer.Exit(1)
    typer.echo(found)


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
