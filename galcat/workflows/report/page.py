"""A report as one HTML file: figures, a chart, pictures; nothing is loaded from elsewhere."""

from base64 import b64encode
from contextlib import suppress
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from catalog.counts import count_of
from galcat.errors import WorkflowError
from galcat.workflows.report.gather import CatalogueReport

_FOLDER = Path(__file__).parent


def save_page(report: CatalogueReport, path: Path) -> None:
    """Write a report to an HTML file, whole or not at all.

    Args:
        report: The report that is written.
        path: The file; a former one stays until this one is whole.

    Raises:
        WorkflowError: The file cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(_render(report), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise WorkflowError(f"{path} cannot be written: {error.strerror}") from error


def _render(report: CatalogueReport) -> str:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "grouped": lambda value: f"{value:,}",
        "noun": lambda n, noun: count_of(n, noun).partition(" ")[2],
        "base64": lambda content: b64encode(content).decode(),
        "moment": lambda moment: f"{moment:%Y-%m-%d %H:%M}",
    }
    return environment.get_template("report.html").render(report=report)
