"""A report as one HTML file: figures, a chart, pictures; nothing is loaded from elsewhere."""

from base64 import b64encode
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from galcat.workflows.report.gather import CatalogueReport

_FOLDER = Path(__file__).parent


def write_page(report: CatalogueReport) -> str:
    """Write a report as HTML."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "grouped": lambda value: f"{value:,}",
        "base64": lambda content: b64encode(content).decode(),
        "moment": lambda moment: f"{moment:%Y-%m-%d %H:%M}",
    }
    return environment.get_template("report.html").render(report=report)
