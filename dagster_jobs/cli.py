"""The command line `galcat`: every sub-command, and one line for every error."""

import sys

import typer
from rich.console import Console
from rich.markup import escape

from dagster_jobs import (
    cli_anomalies,
    cli_encoder,
    cli_evaluate,
    cli_finetune,
    cli_ingest,
    cli_labels,
    cli_query,
    cli_release,
    cli_serve,
    cli_server,
    cli_tasks,
)
from dagster_jobs.reasons import EXPECTED, reason

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
