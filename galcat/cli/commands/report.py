"""The command that says what came since yesterday."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from galcat.cli.console import log, out
from galcat.cli.open_catalogue import catalogue_url

app = typer.Typer()


@app.command()
def report(
    since: Annotated[
        str, typer.Option(help="yesterday, today, 12 hours, 3 days, or a date such as 2026-11-30; UTC.")
    ] = "yesterday",
    html: Annotated[
        Path | None, typer.Option(help="Also write a page with a chart and pictures, one file.")
    ] = None,
) -> None:
    """Say what came into the catalogue since a moment: galaxies, failures, labels, and what needs care.

    As text of 80 columns, for a mail; nothing is changed.

    Example: `galcat report --since yesterday --html report.html`
    """
    from catalog.settings import load_settings  # noqa: PLC0415
    from galcat.workflows.report.gather import gather_report  # noqa: PLC0415
    from galcat.workflows.report.page import save_page  # noqa: PLC0415
    from galcat.workflows.report.since import parse_since  # noqa: PLC0415
    from galcat.workflows.report.text import write_text  # noqa: PLC0415
    from galcat.workflows.watch.state import describe_catalogue  # noqa: PLC0415

    now = datetime.now(UTC)
    moment, url = parse_since(since, now), catalogue_url()
    gathered = gather_report(url, moment, now, list(describe_catalogue(url, load_settings())))
    out.print(write_text(gathered), soft_wrap=True, end="", markup=False, highlight=False)
    if html is not None:
        save_page(gathered, html)
        log.print(f"written: {html}", soft_wrap=True)
