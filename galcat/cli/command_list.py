"""Every command of `galcat` by name: its module is imported only when the command is called."""

import os
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from galcat.cli.command_group import CommandGroup


@dataclass(frozen=True)
class Entry:
    """What the list of commands needs to know of one, without importing it.

    Attributes:
        module: The module below `galcat.cli.commands` that has it.
        panel: Heading in the list under which it stands.
        help: Its first paragraph; a test compares it with the command's own.
    """

    module: str
    panel: str
    help: str


START = "Start"
ASK = "Ask"
FILL = "Fill the catalogue"
LABEL = "Label and learn"
ANOMALIES = "Anomalies"
ENCODERS = "Encoders and releases"
SERVE = "Serve"

COMMANDS = {
    "demo": Entry(
        "demo", START, "Simulate a small survey, ingest it, and print the answers to real questions."
    ),
    "up": Entry(
        "server",
        START,
        "Start the embedded Postgres (or find it) and bring its schema up to date; prints its URL.",
    ),
    "down": Entry("server", START, "Stop the embedded Postgres; nothing is lost."),
    "url": Entry(
        "server",
        START,
        "Print the URL of the database, for psql and other clients; exit code 1 when it is not running.",
    ),
    "psql": Entry(
        "server", START, "Open the catalogue in psql, the one of the embedded Postgres or else the machine's."
    ),
    "check": Entry(
        "query",
        START,
        "Check that the catalogue is whole, and its server set up for it; exit code 1 when it is not.",
    ),
    "init": Entry(
        "status",
        START,
        "Make the catalogue's schema, or say what SQL an administrator of the server has to run before.",
    ),
    "status": Entry(
        "status",
        START,
        "Say how the catalogue stands; exit code 1 when something has to be done, for cron.",
    ),
    "report": Entry(
        "report",
        START,
        "Say what came into the catalogue since a moment: galaxies, failures, labels, and what needs care.",
    ),
    "migrate": Entry(
        "status",
        START,
        "Bring the catalogue's schema up to date, in one transaction, or say what that takes.",
    ),
    "backup": Entry(
        "backup",
        START,
        "Write the catalogue of this moment to one file, with its weights; others go on meanwhile.",
    ),
    "restore": Entry(
        "backup",
        START,
        "Read a backup into an empty database, in one transaction that compares every table before it ends.",
    ),
    "sql": Entry("query", ASK, "Ask the catalogue in SQL."),
    "similar": Entry(
        "query", ASK, "Find the galaxies that look most like one, or like several, nearest first."
    ),
    "columns": Entry(
        "columns",
        ASK,
        "Say what the columns of galcat.galaxy mean, in which unit they are, and how to cut on them.",
    ),
    "match": Entry(
        "query",
        ASK,
        "Find the galaxy at each position of a list; every row of the list comes back, in its order.",
    ),
    "neighbours": Entry(
        "neighbours",
        ASK,
        "Find the galaxies most like each of a whole list, in one go: a row for each pair.",
    ),
    "export": Entry("export", ASK, "Copies of the whole catalogue for other programs."),
    "fetch": Entry("fetch", FILL, "Copy the tiles that hold some positions from the survey's own servers."),
    "ingest": Entry(
        "ingest",
        FILL,
        "Ingest every new or changed tile of a folder: cut out, encode and store its galaxies.",
    ),
    "jobs": Entry(
        "server",
        FILL,
        "Open the Dagster UI with its daemon: the sensor watches the drop folder, the nightly jobs run.",
    ),
    "map": Entry(
        "encoders.release",
        FILL,
        "Arrange the galaxies of the current release on a map, which the page of `galcat serve` shows.",
    ),
    "graph": Entry(
        "neighbours",
        FILL,
        "Find the 20 galaxies most like every galaxy, and keep them in galcat.neighbour.",
    ),
    "calibrate": Entry(
        "calibrate",
        FILL,
        "Calibrate a survey's vote fractions by a few hundred votes of volunteers; no vector changes.",
    ),
    "tile": Entry("tile", FILL, "Tiles: which there are, and taking one out."),
    "tasks": Entry(
        "labelling.tasks.group",
        LABEL,
        "Questions that people answer of galaxies, and the columns learnt from them.",
    ),
    "label": Entry("labelling.labels", LABEL, "Store a table of labels: FITS, VOTable, CSV, Parquet, text."),
    "tag": Entry(
        "labelling.labels",
        LABEL,
        "Put a free tag on galaxies: no task is needed, and everybody sees it in galcat.current_tag.",
    ),
    "finetune": Entry(
        "labelling.finetune",
        LABEL,
        "Learn a task from its labels, and write its columns in galcat.galaxy for every galaxy.",
    ),
    "anomalies": Entry(
        "labelling.anomalies",
        ANOMALIES,
        "Find what you find interesting: rate ten galaxies 0 to 5, get ten better ones.",
    ),
    "embed": Entry(
        "encoders.encoder",
        ENCODERS,
        "Embed a folder of cutouts: id, vector, vote fractions and concentrations, without a database.",
    ),
    "release": Entry(
        "encoders.release", ENCODERS, "Releases of the encoder: a second one beside the one that serves."
    ),
    "encoder": Entry("encoders.encoder", ENCODERS, "Encoders that others trained."),
    "train": Entry(
        "encoders.encoder", ENCODERS, "Train an encoder; a run that was killed goes on where it stopped."
    ),
    "evaluate": Entry(
        "encoders.evaluate",
        ENCODERS,
        "Measure an encoder beside ImageNet, an untrained network and other releases.",
    ),
    "hips": Entry(
        "sky",
        SERVE,
        "Draw the survey's own tiles as a HiPS, which Aladin and the page's sky pane zoom through.",
    ),
    "aladin": Entry(
        "sky",
        SERVE,
        "Add Aladin Lite to the page, whose sky pane then shows what `galcat hips` drew.",
    ),
    "people": Entry("labelling.people", SERVE, "People who log in to the page of `galcat serve` to label."),
    "serve": Entry(
        "serve",
        SERVE,
        "Serve the catalogue to browsers, TOPCAT, Aladin, pyvo and astroquery until it is stopped.",
    ),
}


class LazyGroup(CommandGroup):
    """The commands by what the table says of them; the one that is called is imported then."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - as typer passes them
        super().__init__(**attributes)
        for name, entry in COMMANDS.items():
            self.add_command(TyperCommand(name, help=entry.help, rich_help_panel=entry.panel))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:  # noqa: ANN401 - click's classes have another module in each typer
        """Find the command that the words name, for calling it and for completing its options."""
        name, found, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if found is not None and name is not None else found, rest


def load_command(name: str) -> Any:  # noqa: ANN401 - click's classes have another module in each typer
    """Import a command with everything it has.

    Returns:
        Click's command or group.
    """
    whole = typer.Typer(rich_markup_mode="markdown", add_completion=False)
    whole.add_typer(import_module(f"galcat.cli.commands.{COMMANDS[name].module}").app)
    group = typer.main.get_group(whole)
    return group.commands[name]


app = typer.Typer(
    cls=LazyGroup,
    context_settings={"help_option_names": ["--help", "-h"]},  # the commands take them over
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="A galaxy catalogue that understands images and answers in SQL.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from galcat import __version__  # noqa: PLC0415 - it is read from the installed package

        typer.echo(f"galcat {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[  # noqa: ARG001 - its callback prints it
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version, and end."),
    ] = False,
    home: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the catalogue; without it GALCAT_HOME, else home in "
            "~/.config/galcat/config.toml, else .galcat here."
        ),
    ] = None,
) -> None:
    """Take the options that stand before a command."""
    if home is not None:
        os.environ["GALCAT_HOME"] = str(home)  # where the settings, and every process of ours, look for it
