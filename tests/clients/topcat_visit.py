"""What somebody does with the service in TOPCAT, and what TOPCAT shows meanwhile."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image

from tests.clients.swing import picture, resize
from tests.clients.topcat_window import ComplaintError, Meta, Rows, Topcat

TABLE = "galcat.galaxy"
EXAMPLE = "7. What looks like the clearest spiral?"
FEW, MANY = "TOP 6", "TOP 500"
ACROSS, UP = "unlikeness", "spiral"
WRONG = "SELECT objectid FROM galcat.galaxy"
TAP_PX, PLOT_PX = (960, 800), (548, 700)


@dataclass
class Visit:
    """What was seen.

    Attributes:
        tables: All tables with their columns and units.
        listed: Columns of TABLE with their units, as they stand on the screen.
        examples: Names of the service's examples.
        query: EXAMPLE's.
        few: What it gave, as it stands.
        many: What it gave with more rows.
        count: How many points the plot says to have.
        complaint: What was said of WRONG.
        windows: Title and picture of the window of queries and of the plot.
    """

    tables: dict[str, Meta]
    listed: Meta
    examples: list[str]
    query: str
    few: tuple[Meta, Rows]
    many: tuple[Meta, Rows]
    count: str
    complaint: str
    windows: list[tuple[str, Image.Image]] = field(repr=False)


def visit(url: str, home: Path) -> Visit:
    """Open the service, look at a table, run an example as it stands and with more rows, plot it, err.

    Args:
        url: Of TAP.
        home: Folder for what TOPCAT keeps of a user.
    """
    topcat = Topcat(home, urlsplit(url).hostname or "")
    topcat.open_service(url)
    resize(topcat.tap, *TAP_PX)
    listed, examples = topcat.show_columns(TABLE), topcat.examples()
    query = topcat.choose_example(EXAMPLE)
    few = topcat.run()
    topcat.edit(query.replace(FEW, MANY))
    many = topcat.run()
    plot, count = topcat.plot(ACROSS, UP, *PLOT_PX)
    pictures = [(str(window.getTitle()), picture(window)) for window in (topcat.tap, plot)]
    return Visit(topcat.tables(), listed, examples, query, few, many, count, _complaint(topcat), pictures)


def _complaint(topcat: Topcat) -> str:
    topcat.edit(WRONG)
    try:
        topcat.run()
    except ComplaintError as error:
        return str(error)
    return ""
