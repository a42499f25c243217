"""Commands for the embedded server and the Dagster UI."""

import os
import sys
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from catalog.backup.programs import connection_words, find_program
from catalog.database.embedded import server
from catalog.settings import load_settings
from galcat.cli.open_catalogue import catalogue_url, updated_catalogue_url
from galcat.cli.ports import check_port, require_free
from galcat.cli.supervisor import Child, Supervisor

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
    url = catalogue_url()
    program = find_program("psql", url)
    where, environment = connection_words(url)
    sys.stdout.flush()
    os.execve(program, [str(program), where, *(words or [])], environment)  # noqa: S606 - no shell


@app.command()
def jobs(
    port: Annotated[
        int, typer.Option(callback=check_port, help="Port of the Dagster UI on this machine.")
    ] = 3000,
) -> None:
    """Open the Dagster UI with its daemon: the sensor watches the drop folder, the nightly jobs run.

    Three processes of Dagster run until Ctrl-C or SIGTERM; one that ends is started again. Nothing is
    imported from the folder in which the command is called.
    """
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
        "GALCAT_WEIGHTS_DIR": str(settings.weights_dir.resolve()),
        "PYTHONSAFEPATH": "1",  # for what they start, too
    }
    with TemporaryDirectory(prefix="galcat-jobs-") as empty:
        children = make_children(Path(empty), port)
        typer.echo(f"the Dagster UI is at http://127.0.0.1:{port}/; Ctrl-C stops it", err=True)
        Supervisor(children, environment, dagster_home, lambda line: typer.echo(line, err=True)).run()


def make_children(folder: Path, port: int) -> list[Child]:
    """The code server, in whose process runs are started, the daemon and the UI, which ask it.

    Args:
        folder: An empty folder of this user's, for the code server's socket and the file that names it.
        port: Port of the UI on this machine.
    """
    place, workspace = folder / "code.sock", folder / "workspace.yaml"
    # By this name Dagster knows what sensors have seen, as it did under `dagster dev`.
    location = f"socket: '{place}', location_name: dagster_jobs.definitions"
    server = f"load_from: [{{grpc_server: {{{location}}}}}]\n"
    workspace.write_text(server, encoding="utf-8")
    code = ("api", "grpc", "--socket", str(place), "--module-name", "dagster_jobs.definitions")
    options = ("--empty-working-directory", "--use-python-environment-entry-point", "--log-level", "warning")
    return [
        Child("code server", (*_DAGSTER, *code, *options), place),
        Child("daemon", (*_module("dagster._daemon"), "run", "--workspace", str(workspace))),
        Child(
            "UI",
            (
                *_module("dagster_webserver"),
                *("--host", "127.0.0.1", "--port", str(port), "--workspace", str(workspace)),
            ),
        ),
    ]


def _module(name: str) -> tuple[str, ...]:
    return (sys.executable, "-P", "-m", name)


_DAGSTER = _module("dagster")
