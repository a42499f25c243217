"""The command line `galcat`: every sub-command, and one line for every error."""

import sys

import typer
from rich.console import Console
from rich.markup import escape

from galcat.cli import anomalies as cli_anomalies
from galcat.cli import encoder as cli_encoder
from galcat.cli import evaluate as cli_evaluate
from galcat.cli import finetune as cli_finetune
from galcat.cli import ingest as cli_ingest
from galcat.cli import labels as cli_labels
from galcat.cli import query as cli_query
from galcat.cli import release as cli_release
from galcat.cli import serve as cli_serve
from galcat.cli import server as cli_server
from galcat.cli import tasks as cli_tasks
from galcat.errors import EXPECTED, reason

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="A galaxy catalogue that understands images and answers in SQL.",
)
for part in (
    cli_server,
    cli_ingest,
    cli_query,
    cli_labels,
    cli_tasks,
    cli_finetune,
    cli_anomalies,
    cli_encoder,
    cli_evaluate,
    cli_release,
    cli_serve,
):
    app.add_typer(part.app)


def main() -> None:
    """Run the command line; exit code 0 for done, 1 for failed, 2 for wrong usage."""
    try:
        app()
    except BrokenPipeError:  # who reads our output has seen enough
        sys.stderr.close()
        sys.exit(1)
    except EXPECTED as error:
        line = escape(reason(error))
        Console(stderr=True, highlight=False).print(f"[red]error:[/red] {line}", soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
